"""What the claims share: what is asked of the shapes models, drawing in several ways, reading."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.drawing import Drawn, Pixels, draw
from benchmarks.kit.sheets import rows
from limn.data.shapes import Asked, prompts, read_all
from limn.kernel.prompt import Prompt

SEEDS = (0, 1, 2)
SHAPES, WEAK = "shapes", "shapes_exchanged"
CFG = "classifier_free:scale=3"
Ways = Mapping[str, Sequence[str]]


def each_seed(kind: Any, count: int) -> list[Asked]:
    """Return so many short prompts of each seed, for ``"one"`` or ``"two"`` objects."""
    return [want for seed in SEEDS for want in prompts(kind, count, seed, detail="short")]


def texts(asked: Sequence[Asked]) -> list[str]:
    return [want.text for want in asked]


def drawn(
    claim: str, model: str, prompts: Sequence[str | Prompt], ways: Ways, *, scale: int = 2, **beside: Pixels
) -> dict[str, Drawn]:
    """Draw the same prompts from the same noise with each way's guidances, and write the claim's sheet."""
    found = {}
    for name, guidance in ways.items():
        found[name] = draw(model, prompts, guidance=guidance)
        print(f"{claim}: {name}", flush=True)
    rows(f"steering/{claim}", {**{name: one.pixels for name, one in found.items()}, **beside}, scale=scale)
    return found


def asked_for(want: Asked) -> list[tuple[str, str]]:
    """Return colour and shape of each object asked for."""
    return [(thing["colour"], thing["shape"]) for thing in want.objects]


def objects(pixels: Pixels) -> list[set[tuple[str, str]]]:
    """Return colour and shape of the objects that are read in each picture."""
    return [{(thing.colour, thing.shape) for thing in reading.objects} for reading in read_all(pixels)]


def there(pixels: Pixels, asked: Sequence[Asked]) -> NDArray[np.float64]:
    """Return, for each picture, the share of the objects asked for (by colour and shape) that the reader finds."""
    pairs = zip(objects(pixels), asked, strict=True)
    return np.array([np.mean([thing in read for thing in asked_for(want)]) for read, want in pairs])
