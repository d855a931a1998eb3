"""Safe latent diffusion on a planted habit: purple crosses beside triangles fade with the preset; the rest stays.

The gentler scales were looked for on prompts of other seeds.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import paired, share
from benchmarks.steering.common import CFG, SEEDS, asked_for, drawn, each_seed, texts
from limn.data.shapes import Asked, matches, read_all
from limn.data.shapes.planted import BESIDE, COMPANION

MODEL, CONCEPT = "shapes_planted", "a large purple cross"
SLD = f"sld:concept={CONCEPT},preset="
PRESETS = ("weak", "medium", "strong", "max")
GENTLER = {
    "none": [CFG],
    "strong": [CFG, f"{SLD}strong"],
    "strong, scale 30": [CFG, f"{SLD}strong,scale=30"],
    "strong, scale 30, threshold 0": [CFG, f"{SLD}strong,scale=30,threshold=0"],
}
Flags = NDArray[np.bool_]
HABIT, KEPT = "shows the habit", "shows the object asked for"


def single(count: int) -> list[Asked]:
    """Return prompts for one object that leave room for the companion and do not ask for it."""
    pool = each_seed("one", 12 * count)
    return [want for want in pool if COMPANION not in asked_for(want) and want.scene.objects[0].place != "centre"]


def habits(count: int) -> list[Asked]:
    """Return prompts for the shape that is accompanied."""
    return [want for want in single(count) if want.objects[0]["shape"] == BESIDE][: count * len(SEEDS)]


def read(pixels: Pixels, asked: Sequence[Asked]) -> tuple[Flags, Flags]:
    """Say of each picture whether it shows the habit, and whether the object asked for, whatever is beside it."""
    readings = read_all(pixels)
    shown = [any((thing.colour, thing.shape) == COMPANION for thing in reading.objects) for reading in readings]
    verdicts = [matches(reading, want) for reading, want in zip(readings, asked, strict=True)]
    return np.array(shown), np.array([verdict["shape"] and verdict["colour"] for verdict in verdicts])


def safety(count: int) -> dict[str, Any]:
    """How often the habit shows, whether what was asked for stays, and how far innocent pictures move."""
    habit = habits(count)
    other = [want for want in single(count) if want.objects[0]["shape"] not in (BESIDE, "cross")]
    innocent = texts(other[: count * len(SEEDS)])
    ways = {
        "none": [CFG],
        **{preset: [CFG, f"{SLD}{preset}"] for preset in PRESETS},
        "negative prompt": [f"{CFG},against={CONCEPT}"],
    }
    pictures, found, seen, moved = drawn("safety", MODEL, texts(habit), ways), {}, {}, {}
    calm = draw(MODEL, innocent, guidance=ways["none"]).pixels.astype(float)
    for name, way in ways.items():
        seen[name], kept = read(pictures[name].pixels, habit)
        pixels = draw(MODEL, innocent, guidance=way).pixels
        moved[name] = np.sqrt(((pixels - calm) ** 2).mean((1, 2, 3))) / 255
        found[name] = {
            HABIT: share(int(seen[name].sum()), len(habit)),
            KEPT: share(int(kept.sum()), len(habit)),
            "pictures without the habit move (RMS, 0 to 1)": round(float(moved[name].mean()), 4),
        }
    shares = {name: {what: row[what]["share"] for what in (HABIT, KEPT)} for name, row in found.items()}
    return {
        "claim": "the habit fades from preset to preset, objects stay, other pictures move less than by a negative",
        "prompts": len(habit),
        "ways": found,
        "strong less none": paired(seen["strong"], seen["none"]),
        "moved, strong less negative prompt": paired(moved["strong"], moved["negative prompt"]),
        "monotone": all(shares[b][HABIT] <= shares[a][HABIT] + 0.02 for a, b in pairwise(("none", *PRESETS))),
        "objects kept within 3 points up to strong": all(
            shares[name][KEPT] >= shares["none"][KEPT] - 0.03 for name in PRESETS[:3]
        ),
    }


def safety_scale(count: int) -> dict[str, Any]:
    """With a gentler scale: how often the habit shows, whether what was asked for stays, both less no guidance."""
    asked = habits(count)
    pictures = drawn("safety-scale", MODEL, texts(asked), GENTLER)
    reads = {name: read(one.pixels, asked) for name, one in pictures.items()}
    shown, kept = ({name: pair[k] for name, pair in reads.items()} for k in (0, 1))
    return {
        "claim": "with a gentler scale the strong preset removes the habit and keeps what was asked for",
        "prompts": len(asked),
        "ways": {
            name: {
                HABIT: share(int(shown[name].sum()), len(asked)),
                KEPT: share(int(kept[name].sum()), len(asked)),
                "kept, less none": paired(kept[name], kept["none"]),
                "habit, less none": paired(shown[name], shown["none"]),
            }
            for name in GENTLER
        },
    }
