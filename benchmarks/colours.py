"""Does colour come apart from thing? Seven colours times thirty things: colour by its pixels, thing by a judge.

A colour counts as drawn when it is the largest hue of what is not white, black or grey. The thing counts when the
judge finds its name first among 100 names in that colour.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import ranked
from benchmarks.kit.run import run
from limn.data.captions import with_article
from limn.data.colours import colours_of
from limn.models.judges import judge

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
THINGS = (
    "apple", "bag", "balloon", "bell", "bicycle", "bird", "boat", "book", "butterfly", "car", "cat", "chair",
    "crab", "cup", "dog", "dress", "fish", "flower", "frog", "guitar", "hat", "heart", "house", "key", "leaf",
    "mushroom", "rocket", "shoe", "star", "umbrella",
)  # fmt: skip
OTHERS = (
    "anchor", "ant", "axe", "banana", "bed", "bone", "bottle", "brain", "bus", "cactus", "cake", "camel",
    "camera", "candle", "cloud", "clown", "comb", "compass", "computer", "cookie", "corn", "cow", "crown",
    "door", "drum", "duck", "ear", "egg", "elephant", "eye", "fire", "ghost", "glasses", "grapes", "hammer",
    "helmet", "horse", "kite", "ladder", "lemon", "lion", "lock", "magnet", "moon", "nose", "octopus", "owl",
    "pear", "pencil", "pig", "rabbit", "ring", "robot", "sandwich", "scissors", "sheep", "snail", "snake",
    "snowflake", "spider", "spoon", "sun", "tooth", "train", "tree", "trumpet", "turtle", "whale", "worm",
    "zebra",
)  # fmt: skip
NEUTRAL = {"white", "black", "grey"}
GROUND = 235
"""A pixel whose every channel is lighter is ground."""


def measure(
    *, model: str = "emoji", by: str = "judge_b", seeds: int = 1, things: int = len(THINGS)
) -> dict[str, Any]:
    asked = [(colour, thing) for colour in COLOURS for thing in THINGS[:things]] * seeds
    pictures = draw(model, [with_article(f"{colour} {thing}") for colour, thing in asked]).pixels
    coloured = np.array([hue(picture) == colour for picture, (colour, _) in zip(pictures, asked, strict=True)])
    ranks = np.zeros(len(asked), np.int64)
    for colour in COLOURS:
        places = [place for place, row in enumerate(asked) if row[0] == colour]
        names = [with_article(f"{colour} {thing}") for thing in (*THINGS, *OTHERS)]
        close = judge(by).similarity(pictures[places], names).numpy()
        right = [np.array([thing == asked[place][1] for thing in (*THINGS, *OTHERS)]) for place in places]
        ranks[places] = ranked(close, right)
    found = ranks == 1
    kinds = {"colour": coloured, "thing": found, "both": coloured & found}
    return {
        "model": model, "judge": by, "pictures": len(asked),
        "drawn": {kind: share(int(row.sum()), len(row)) for kind, row in kinds.items()},
        "colour as asked": {
            colour: share(int(coloured[own].sum()), int(own.sum()))
            for colour in COLOURS
            if (own := np.array([row[0] == colour for row in asked])).any()
        },
    }  # fmt: skip


def hue(picture: NDArray[np.uint8]) -> str:
    """Return the largest hue of what is drawn on white; empty where all is black, white or grey.

    Args:
        picture: (height, width, 3).
    """
    alpha = np.where(picture.min(-1) < GROUND, 255, 0).astype(np.uint8)
    names = colours_of(np.dstack([picture, alpha]), least=0.02, most=9)
    return next((name.split()[-1] for name in names if name.split()[-1] not in NEUTRAL), "")


if __name__ == "__main__":
    run(measure, quick={"things": 2})
