"""A new way to steer is one small class: this one draws what lies between two sentences. Writes between.png."""

from dataclasses import dataclass
from typing import ClassVar

import limn
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.rng import Streams
from limn.store import grid


@dataclass(frozen=True, kw_only=True)
class Between(Guidance):
    """Ask about another sentence too, and take a weighted mean of the answers."""

    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"
    other: str
    share: float

    def expand(self, branches, step):
        return {**branches, "other": branches["main"].saying(self.other)}

    def combine(self, predictions, step):
        main = (1 - self.share) * predictions["main"] + self.share * predictions["other"]
        return {**predictions, "main": main}


emoji = limn.load("emoji")
stage, frames = emoji.stages[-1], []
for share in (0.0, 0.25, 0.5, 0.75, 1.0):
    guidances = [Between(other="a yellow star", share=share), *emoji.guidance]
    walk = stage.walk([limn.Prompt("a red heart")], guidances, Streams([1]), size=emoji.size)
    *_, last = walk
    frame = (stage.codec.decode(last.x)[0].clamp(-1, 1) + 1) * 127.5
    frames.append(frame.round().byte().permute(1, 2, 0).numpy())
grid(frames, columns=5).save("between.png")
print("between.png: from a red heart to a yellow star")
