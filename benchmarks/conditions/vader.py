"""M-VADER: are both parts of a mixed prompt drawn, and does a part count as much as its weight?"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.conditions.common import JUDGE, ask, by_concept, png, remembered, styled
from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import some
from benchmarks.kit.run import PICTOGRAMS
from limn.data.picture_set import PictureSet, load
from limn.data.split import STYLES
from limn.kernel.prompt import PLACE, Prompt
from limn.models.judges import Judge, judge

COLOURS = ("red", "blue", "green", "yellow", "purple")
THINGS = ("apple", "heart", "car", "book", "circle", "square")
WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 1.0)


def measure(
    *, model: str = "vader", count: int = 60, seeds: int = 3, steps: int | None = None, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return what is drawn of pictures with words, of two pictures, and over the weights of the two."""
    source, key = load(data), f"{count}-{seeds}-{steps}"
    parts = {"style by words": in_style, "colour by words": recoloured, "two pictures": weighed}
    figures = {
        name: remembered(
            "vader", f"{name.replace(' ', '_')}-{key}",
            lambda: part(generator_of(model), judge(JUDGE), source, count, seeds, steps),  # noqa: B023
        )
        for name, part in parts.items()
    }  # fmt: skip
    return {"model": model, "judge": JUDGE, "seeds": seeds, **figures}


def in_style(
    model: Any, one: Judge, source: PictureSet, count: int, seeds: int, steps: int | None
) -> dict[str, Any]:
    """Ask for a picture's thing in a style that words name; controls have another thing, or one part dropped."""
    places, rng = by_concept(source), np.random.default_rng(1)
    labels = [list(places)[k] for k in some(np.arange(len(places)), count)]
    shown, styles = list[bytes](), list[str]()
    for label in labels:
        own = sorted(places[label])[int(rng.integers(len(places[label])))]
        styles.append([style for style in STYLES if style != own][int(rng.integers(3))])
        shown.append(png(source.take([places[label][own]]).on()[0]))
    words = [styled("X", style).replace("an X", PLACE).replace("a X", PLACE) for style in styles]
    others = [*shown[1:], shown[0]]
    ways: dict[str, list[Any]] = {
        "picture and words": [Prompt(text, (png_,)) for text, png_ in zip(words, shown, strict=True)],
        "another picture": [Prompt(text, (png_,)) for text, png_ in zip(words, others, strict=True)],
        "words dropped": [Prompt("", (png_,)) for png_ in shown],
        "picture dropped": [text.replace(PLACE, "a thing") for text in words],
    }
    plain, result = one.texts([f"a {label}" for label in labels]), dict[str, Any]()
    repeated = [label for label in labels for _ in range(seeds)]
    wanted = [style for style in styles for _ in range(seeds)]
    for name, prompts in ways.items():
        pixels = ask(model, prompts, seeds, steps=steps).pixels
        thing = _found(one, pixels, plain, seeds)
        style = _styles(one, pixels, repeated, wanted)
        result[name] = {"thing": _share(thing), "style": _share(style), "both": _share(thing & style)}
    return result


def recoloured(
    model: Any, one: Judge, source: PictureSet, count: int, seeds: int, steps: int | None
) -> dict[str, Any]:
    """Ask for a red thing of a picture in another colour; the judge chooses among five colours."""
    emoji = generator_of("emoji")
    things = THINGS[: max(1, count // 10)]
    shown = [png(picture.pixels) for thing in things for picture in emoji.generate(f"a red {thing}", seed=1)]
    pairs = [(thing, png_, colour) for thing, png_ in zip(things, shown, strict=True) for colour in COLOURS[1:]]
    ways = {
        "picture and words": [Prompt(f"{PLACE} but {colour}", (png_,)) for _, png_, colour in pairs],
        "words dropped": [Prompt("", (png_,)) for _, png_, _ in pairs],
        "picture dropped": [f"a thing but {colour}" for *_, colour in pairs],
    }
    result = dict[str, Any]()
    for name, prompts in ways.items():
        pixels = ask(model, prompts, seeds, steps=steps).pixels
        texts = one.texts([f"a {colour} {thing}" for thing in things for colour in COLOURS])
        close = one.images(pixels) @ texts.T
        rows = [(things.index(thing), COLOURS.index(colour)) for thing, _, colour in pairs for _ in range(seeds)]
        best = close.argmax(1).tolist()
        thing = np.array([place // len(COLOURS) == own for place, (own, _) in zip(best, rows, strict=True)])
        colour = np.array([place % len(COLOURS) == own for place, (_, own) in zip(best, rows, strict=True)])
        result[name] = {"thing": _share(thing), "colour": _share(colour), "both": _share(thing & colour)}
    return result


def weighed(model: Any, one: Judge, source: PictureSet, count: int, seeds: int, steps: int | None) -> dict[str, Any]:
    """Shift weight from one picture to another: the rank correlation of weight and likeness, and what two give."""
    places = by_concept(source)
    labels = [list(places)[k] for k in some(np.arange(len(places)), 2 * count, 2)]
    own = [png(source.take([next(iter(places[label].values()))]).on()[0]) for label in labels]
    pairs = list(zip(own[::2], own[1::2], strict=False))
    likeness = np.zeros((len(pairs) * seeds, len(WEIGHTS)))
    for column, weight in enumerate(WEIGHTS):
        prompts = [Prompt("", pair, weights=(1.0, weight, 1 - weight)) for pair in pairs]
        seen = one.images(ask(model, prompts, seeds, steps=steps).pixels)
        first, second = (
            one.images(np.stack([_pixels(pair[side]) for pair in pairs for _ in range(seeds)])) for side in (0, 1)
        )
        likeness[:, column] = ((seen * first).sum(1) - (seen * second).sum(1)).numpy()
    ranks = [_spearman(row) for row in likeness]
    means = [float(np.mean(ranks[k * seeds : (k + 1) * seeds])) for k in range(len(pairs))]
    rng = np.random.default_rng(0)
    again = [float(np.mean(rng.choice(means, len(means)))) for _ in range(2000)]
    return {
        "weights": list(WEIGHTS),
        "likeness to the first less that to the second": likeness.mean(0).round(4).tolist(),
        "rank correlation of weight and likeness": {
            "mean": round(float(np.mean(means)), 4),
            "low": round(float(np.quantile(again, 0.025)), 4),
            "high": round(float(np.quantile(again, 0.975)), 4),
            "pairs": len(pairs),
        },
    }


def _found(one: Judge, pixels: Pixels, texts: torch.Tensor, seeds: int) -> NDArray[np.bool_]:
    best = (one.images(pixels) @ texts.T).argmax(1).numpy()
    return np.asarray(best == np.repeat(np.arange(len(texts)), seeds))


def _styles(one: Judge, pixels: Pixels, labels: list[str], styles: list[str]) -> NDArray[np.bool_]:
    texts = [styled(label, style) for label in labels for style in STYLES]
    words = one.texts(texts).view(len(labels), len(STYLES), -1)
    best = (one.images(pixels)[:, None] * words).sum(2).argmax(1).numpy()
    return np.asarray(best == np.array([STYLES.index(style) for style in styles]))  # type: ignore[arg-type]


def _share(right: NDArray[np.bool_]) -> dict[str, float]:
    return share(int(right.sum()), right.size)


def _spearman(row: NDArray[np.float64]) -> float:
    return float(np.corrcoef(np.arange(len(row)), row.argsort().argsort())[0, 1])


def _pixels(png_: bytes) -> Pixels:
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(png_)).convert("RGB"))
