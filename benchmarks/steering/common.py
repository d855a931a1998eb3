"""What the claims share: drawing, reading, paired differences, distances, labelled sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import stats

import limn.models
from limn.audit.statistics.distances import frechet
from limn.data.shapes import Asked, read_all
from limn.kernel.generator import Generator, Picture
from limn.kernel.prompt import Prompt
from limn.kernel.runner import Ledger
from limn.models.judges import judge
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import read

__all__ = [
    "PICTURES", "SEEDS", "SHAPES", "WEAK", "Drawn", "draw", "features", "frechet", "mean", "model", "paired",
    "sheet", "there",
]  # fmt: skip

SEEDS = (0, 1, 2)
SHAPES = "shapes"
WEAK = "shapes_exchanged"
SPREAD = 16
PICTURES = Path(__file__).parents[2] / "docs" / "pictures" / "steering"
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Drawn:
    """Pictures (n, height, width, 3) and what they cost.

    Args:
        pixels: Pictures.
        forwards: Forward passes.
        rows: Rows in them.
    """

    pixels: Pixels
    forwards: int
    rows: int


@cache
def model(name: str) -> Generator:
    """Load a model once; one that does not ship is trained by its recipe first, into ``runs/claims``."""
    if name in limn.models.names():
        return limn.models.load(name)
    folder = Path("runs/claims") / name
    if not (folder / "model" / "config.json").exists():
        for progress in train(read(Path(name)), folder):
            if progress.step % 50 == 0:
                print(f"training {name}: {progress.progress:.0%}, {progress.eta:.0f} s left", flush=True)
        export(folder, folder / "model", defaults={"steps": 10})
    return limn.models.load(str(folder / "model"))


def draw(
    name: str, prompts: Sequence[str | Prompt], guidance: Sequence[Any] | None, *, seed: int = 1000, **options: Any
) -> Drawn:
    """Draw one picture for each prompt (or ``n``), from noise that is the same whatever the guidance.

    Of 16 prompts no two start from the same noise, which would give them the same layout.
    """
    generator, ledger, found = model(name), Ledger(), {}
    for first in range(min(SPREAD, len(prompts))):
        places = range(first, len(prompts), SPREAD)
        texts = [prompts[place] for place in places]
        request = generator.request(texts, guidance=guidance, seed=seed + 100 * first, **options)
        drawn = [each for each in generator.draw(request, batch=64, ledger=ledger) if isinstance(each, Picture)]
        for each in drawn:
            found[places[each.item.index // request.n], each.item.index % request.n] = each.pixels
    return Drawn(np.stack([found[key] for key in sorted(found)]), len(ledger.forwards), ledger.rows)


def there(pixels: Pixels, asked: Sequence[Asked]) -> NDArray[np.float64]:
    """Return, for each picture, the share of the objects asked for (by colour and shape) that the reader finds."""
    shares = []
    for reading, want in zip(read_all(pixels), asked, strict=True):
        seen = {(each.colour, each.shape) for each in reading.objects}
        shares.append(np.mean([(thing["colour"], thing["shape"]) in seen for thing in want.objects]))
    return np.array(shares)


def mean(values: NDArray[Any]) -> dict[str, float]:
    """Return a mean with its 95 % interval (t distribution)."""
    return paired(values, np.zeros(len(values)))


def features(pixels: Pixels) -> NDArray[np.float64]:
    """Return the dual encoder's vector of each picture."""
    return np.asarray(judge("shapes_guide").images(pixels).double().numpy())


def paired(after: NDArray[Any], before: NDArray[Any]) -> dict[str, float]:
    """Return the mean difference of pairs with its 95 % interval (t distribution)."""
    difference = np.asarray(after, float) - np.asarray(before, float)
    spread = float(difference.std(ddof=1) / len(difference) ** 0.5 * stats.t.ppf(0.975, len(difference) - 1))
    mean = float(difference.mean())
    return {"mean": round(mean, 4), "low": round(mean - spread, 4), "high": round(mean + spread, 4)}


def sheet(name: str, rows: Mapping[str, Pixels], *, columns: int = 12, scale: int = 2) -> None:
    """Write ``docs/pictures/steering/NAME.webp``: one labelled row for each way of drawing the same pictures."""
    side = next(iter(rows.values())).shape[1] * scale
    label, gap = 170, 4
    image = Image.new("RGB", (label + columns * (side + gap), len(rows) * (side + gap)), "white")
    pen = ImageDraw.Draw(image)
    for place, (text, pixels) in enumerate(rows.items()):
        top = place * (side + gap)
        pen.text((4, top + side // 2 - 6), text, fill="black")
        for column, each in enumerate(pixels[:columns]):
            tile = Image.fromarray(each).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (label + column * (side + gap), top))
    PICTURES.mkdir(parents=True, exist_ok=True)
    image.save(PICTURES / f"{name}.webp", quality=80, method=6)
