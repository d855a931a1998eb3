"""Draw a list into a store and stop half way; the second loop keeps what is there and draws the rest."""

from pathlib import Path

import limn
from limn import studio
from limn.store import Store

emoji = limn.load("emoji")
request = emoji.request(["a red heart", "a cat", "a green apple", "a yellow star"], n=2)
store = Store(Path("limn-runs"))

for event in studio.generate(emoji, request, store, batch=2):
    if isinstance(event, studio.Drawn) and event.picture.item.index == 3:
        break

for event in studio.generate(emoji, request, store, batch=2):
    if isinstance(event, studio.Finished):
        print(f"{event.kept} pictures were there, {event.drawn} were drawn: {event.folder}")
