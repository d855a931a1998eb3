"""Steer one picture in several ways at once, and compare strengths on one labelled sheet in limn-runs/grids."""

from pathlib import Path

import limn
from limn import studio
from limn.kernel.prompt import Region
from limn.store import Store

emoji = limn.load("emoji")
together = [
    "classifier_free:scale=4,schedule=cosine",  # follow the words, later more than at first
    "sld:concept=water,preset=strong",  # keep away from a concept
    "pag:scale=1",  # away from an answer that does not see the picture as a whole
    "rescale:share=0.5",  # with the contrast of the unguided answer
]
(picture,) = emoji.generate("a red heart", seed=5, guidance=together)
picture.image.save("steered.png")
print("steered.png: four guidances, one forward pass at each step")

left = Region(words="a red heart", box=(0, 0, 0.5, 1))
request = limn.Request(prompts="a red heart and a yellow star", seed=5, region=[left])
grid = studio.grid(
    emoji, request, Store(Path("limn-runs")), x="scale=1,2,4,8", y="guide=none|paint_with_words:strength=0.1,0.2"
)
for event in grid:
    if isinstance(event, studio.Grid):
        print(event.path)
