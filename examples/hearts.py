"""Draw one sentence with four seeds, and lay the pictures side by side in hearts.png."""

import limn
from limn.store import grid

emoji = limn.load("emoji")
pictures = emoji.generate("a red heart", n=4, seed=1)

for picture in pictures:
    print(f"{picture.item.prompt.text!r}, seed {picture.item.seed}: {picture.flaw or 'fine'}")
grid([picture.image for picture in pictures], columns=4).save("hearts.png")
