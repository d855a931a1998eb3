"""Re-Imagen: what neighbours bring for concepts that are often seen, seldom seen, and never seen by the streams."""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.conditions.common import JUDGE, UNSEEN, ask, by_concept, remembered, styled, styles_right, top1
from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import some
from benchmarks.kit.run import PICTOGRAMS
from limn.data.example import Example
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS, unit, unseen
from limn.kernel.prompt import Prompt
from limn.models.judges import judge
from limn.retrieve.collection import Collection, add
from limn.retrieve.lookup import Lookup
from limn.train.tasks.conditioned import NEAR

ETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
SCALE = 3.0
Pair = tuple[str, str, int]
"""Concept, the style that is asked for, and the place of the picture that shows it."""


def measure(
    *, model: str = "reimagen", count: int = 100, seeds: int = 3, steps: int | None = None, data: Path = PICTOGRAMS
) -> dict[str, Any]:
    """Return shares found among 100 by group of concepts, with and without neighbours.

    emoji, whose weights the streams stand beside, knows the names of all concepts. So every group is asked for by
    its names, and again by made-up words that only the collection's captions say: then words alone are chance.
    """
    source = load(data, SPLITS)
    groups, made_up = asked(source, count), dict[str, str]()
    for pairs in groups.values():
        made_up |= {label: f"zorp{number}" for number, (label, *_) in enumerate(pairs, len(made_up))}
    figures: dict[str, Any] = {"model": model, "judge": JUDGE, "seeds": seeds, "share of concepts held out": UNSEEN}
    for words in ("names", "made-up words"):
        named = made_up if words == "made-up words" else {}
        collection = indexed(
            source, groups, named, Path(f"runs/conditions/reimagen/{words.replace(' ', '_')}-{count}")
        )
        for group, pairs in groups.items():
            key = f"{group}-{words}-{count}-{seeds}-{steps}".replace(" ", "_")
            figures[f"{group}, {len(pairs)} concepts, by {words}"] = remembered(
                "reimagen",
                key,
                lambda: arms(model, source, pairs, named, collection, seeds, steps),  # noqa: B023
            )
    return figures


def asked(source: PictureSet, count: int) -> dict[str, list[Pair]]:
    """Return the pairs that are asked for, one style of a concept each, by how often streams saw the concept."""
    groups: dict[str, list[Pair]] = {"frequent": [], "rare": [], "unseen": []}
    learned = {
        label: sum(source.columns["split"][place] == "train" for place in places.values())
        for label, places in by_concept(source).items()
    }
    for label, places in by_concept(source).items():
        if len(places) < 2:
            continue
        style = sorted(places, key=lambda one: unit(f"asked:{label}:{one}"))[0]
        own = "unseen" if unseen(label, UNSEEN) else "rare" if learned[label] <= 2 else "frequent"
        groups[own].append((label, style, places[style]))
    return {name: [pairs[k] for k in some(np.arange(len(pairs)), count)] for name, pairs in groups.items() if pairs}


def indexed(source: PictureSet, groups: dict[str, list[Pair]], named: dict[str, str], folder: Path) -> Collection:
    """Index all pictures but the pairs that are asked for."""
    left_out = {place for pairs in groups.values() for *_, place in pairs}

    def rows() -> Any:
        for label, places in by_concept(source).items():
            for style, place in places.items():
                if place not in left_out:
                    caption = styled(named.get(label, label), style)
                    yield Example(
                        key=source.columns["key"][place], picture=source.pictures[place], captions=(caption,)
                    )

    for _ in add(rows(), folder):
        pass
    return Collection(folder)


def arms(
    model: str, source: PictureSet, pairs: list[Pair], named: dict[str, str], collection: Collection, seeds: int,
    steps: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Draw without neighbours, with them, with wrong ones, and over the turns of words and neighbours."""
    lookup, generator, one = Lookup(collection=str(collection.folder)), generator_of(model), judge(JUDGE)
    texts = [styled(named.get(label, label), style) for label, style, _ in pairs]
    # By the thing alone: the style asked for is another one than that of the neighbours.
    near = lookup.neighbours([Prompt(named.get(label, label)) for label, *_ in pairs], collection)
    full = [Prompt(text, neighbours=rows) for text, rows in zip(texts, near, strict=True)]
    wrong = [Prompt(text, neighbours=rows) for text, rows in zip(texts, [*near[1:], near[0]], strict=True)]
    plain = {"guidance": [f"classifier_free:scale={SCALE}"]}
    turns = {
        f"eta {eta:g}": {"guidance": [_turns(eta)]} for eta in ETAS
    }  # fmt: skip
    ways: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "words only": (texts, plain), "wrong neighbours": (wrong, {}),
        **{name: (full, options) for name, options in turns.items()},
    }  # fmt: skip
    true = [styled(label, style) for label, style, _ in pairs]
    meanings, styles = [(label, style) for label, style, _ in pairs], [style for _, style, _ in pairs]
    labels = [label for label, *_ in pairs]
    figures = dict[str, Any]()
    for name, (prompts, options) in ways.items():
        pixels = ask(generator, prompts, seeds, steps=steps, **options).pixels
        repeated = [[value for value in values for _ in range(seeds)] for values in (labels, styles)]
        figures[name] = {
            "top-1": top1(one, pixels, true, seeds, meanings),
            "style as asked": styles_right(one, pixels, *repeated),
            "copies of a neighbour": _copies(pixels, near, seeds) if prompts is full else None,
        }
    real = source.take([place for *_, place in pairs]).on()
    figures["real pictures"] = {
        "top-1": top1(one, real, true, 1, meanings), "style as asked": styles_right(one, real, labels, styles)
    }  # fmt: skip
    figures["first neighbour shows the concept"] = {"top-1": share(*_right(source, pairs, near))}
    return figures


def _turns(eta: float) -> str:
    first, second = (f"classifier_free:scale={SCALE}{more}" for more in ("", ",drop=neighbours"))
    return f"interleaved:first='{first}',second='{second}',ratio={eta}"


def _right(source: PictureSet, pairs: list[Pair], near: list[Any]) -> tuple[int, int]:
    labels = dict(zip(source.columns["key"], source.columns["label"], strict=True))
    first = [labels[rows[0].name] == label if rows else False for (label, *_), rows in zip(pairs, near, strict=True)]
    return sum(first), len(first)


def _copies(pixels: Pixels, near: list[Any], seeds: int) -> dict[str, float]:
    """Return the share of pictures that are nearly one of their neighbours."""
    from limn.io.pictures import colours

    copied = 0
    for row, picture in enumerate(pixels):
        own = np.moveaxis(picture.astype(np.float32) / 255, 2, 0)
        others = [(colours(one.image, *picture.shape[:2]) + 1) / 2 for one in near[row // seeds]]
        copied += any(float(np.sqrt(np.square(own - other).mean())) < NEAR for other in others)
    return share(copied, len(pixels))
