"""A new way to steer is one small class: this one draws what lies between two sentences. Writes between.png."""

from dataclasses import dataclass
from typing import ClassVar

import limn
from limn.store import grid


@dataclass(frozen=True, kw_only=True)
class Between(limn.Guidance):
    """Ask about another sentence too, and take a weighted mean of the answers."""

    rank: ClassVar[limn.Rank] = limn.Rank.REFINE
    space: ClassVar[str] = "any"
    other: str
    share: float

    def expand(self, branches, step):
        return {**branches, "other": branches["main"].saying(self.other)}

    def combine(self, predictions, step):
        main = (1 - self.share) * predictions["main"] + self.share * predictions["other"]
        return {**predictions, "main": main}


emoji = limn.load("emoji")
frames = []
for share in (0.0, 0.25, 0.5, 0.75, 1.0):
    guide = [Between(other="a yellow star", share=share)]
    (picture,) = emoji.generate("a red heart", seed=1, guide=guide)
    frames.append(picture.pixels)
grid(frames, columns=5).save("between.png")
print("between.png: from a red heart to a yellow star")
