"""How well do the judges judge? Real pictures that each has not seen, attributes, agreement; swapped captions."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.kit.drawing import generator_of
from benchmarks.kit.intervals import share
from benchmarks.kit.judging import WAYS, captions, found_by, hits, meanings, places_of, some
from benchmarks.kit.run import PICTOGRAMS, run
from limn.data import shapes
from limn.data.captions import STYLED, name_of, with_article
from limn.data.catalogue import GENDERS, TONES, from_columns
from limn.data.picture_set import PictureSet, load
from limn.data.scenes import Scenes
from limn.data.shapes.hard_negatives import Swap, swapped
from limn.data.split import SPLITS, STYLES
from limn.io.pictures import composite
from limn.models.judges import Judge, judge
from limn.train.batches import signed
from limn.train.worlds.pictograms import half

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey")
SWAPS: tuple[Swap, ...] = ("colour", "shape", "place")
LEVELS = (0.0, 0.25, 0.5, 0.75, 0.9)
NOT_WORK = re.compile(r"with |wearing|in tuxedo|breast|pregnant|feeding")
Choice = tuple[Sequence[int], Sequence[Sequence[str]], list[int]]
"""Places of pictures, what each may show in words, and which of these it shows."""
RELATION = re.compile(r"(.+) (to the left of|left of|above) (.+)")


def measure(*, data: Path = PICTOGRAMS) -> dict[str, Any]:
    source = load(data, SPLITS)
    judges = {name: judge(name) for name in ("judge_a", "judge_b")}
    figures: dict[str, Any] = {}
    for (name, one), other in zip(judges.items(), "ba", strict=True):
        about = {"reads": f"half {other}, never seen in training", "weights": one.weights}
        figures[name] = {**about, **pictograms(one, half(source, other))}
        print(name, figures[name]["100-way, full captions"]["all"], flush=True)
    figures["agreement"] = agreement(judges, source)
    for name in ("shapes_guide", "shapes_guide_noisy"):
        figures[name] = laboratory(judge(name))
        print(name, figures[name], flush=True)
    return figures


def pictograms(one: Judge, source: PictureSet) -> dict[str, Any]:
    columns, pictures, mean = source.columns, source.on(), meanings(source)
    rng = np.random.default_rng(0)
    any_caption = [names[int(rng.integers(len(names)))] for names in columns["captions"]]
    ways = min(WAYS, len(set(mean)))
    ranks = one.retrieval(pictures, captions(source), meanings=mean, ways=ways)
    groups = {style: np.array(columns["style"]) == style for style in STYLES}
    groups["people at work"] = np.array([bool(work) for work in columns["profession"]])
    groups["people at work, held-out cells"] = np.array(columns["split"]) == "cell"
    groups["all but people"] = np.array(columns["group"]) != "people-body"
    order = some(places_of(source), len(source), seed=1)
    few, many = source.take(order[:500]), source.take(order[:3000])
    codec = generator_of("emoji").main.codec
    with torch.inference_mode():
        soft = torch.cat([codec.decode(codec.encode(part)) for part in signed(few.on()).split(64)]).clamp(-1, 1)
    return {
        "100-way, full captions": {
            "all": hits(ranks),
            **{name: hits(ranks[rows]) for name, rows in groups.items() if rows.any()},
        },
        "100-way, any caption": found_by(one, pictures, source, any_caption),
        "100-way, full captions, through the autoencoder": found_by(one, soft, few),
        "scenes": scenes(one, source),
        "attributes": {name: best(one, many.on(), *ask(many)) for name, ask in ATTRIBUTES.items()},
    }


def scenes(one: Judge, source: PictureSet, count: int = 500) -> dict[str, Any]:
    """Retrieval of scenes, and which of two captions fits: the true one, or the one with both things exchanged."""
    world, rng = Scenes(source), np.random.default_rng(2)
    made = [world.draw(rng, count=2) for _ in range(count)]
    pictures = composite(np.stack([each.picture for each in made]))
    told = [
        next(((k, m) for k, c in enumerate(each.captions) if (m := RELATION.fullmatch(c))), None) for each in made
    ]
    rows = [row for row, found in enumerate(told) if found]
    true = [made[row].captions[told[row][0]] for row in rows]  # type: ignore[index]
    false = [f"{m[3]} {m[2]} {m[1]}" for row in rows if (m := told[row][1])]  # type: ignore[index]
    return {
        "100-way": hits(one.retrieval(pictures, [each.captions[0] for each in made])),
        "places told from exchanged ones": pairs(one, pictures[rows], true, false),
    }


def pairs(one: Judge, pictures: NDArray[np.uint8] | Tensor, true: list[str], false: list[str]) -> dict[str, float]:
    """Return how often a picture is nearer to its true text."""
    images = one.images(pictures)
    right, wrong = ((images * one.texts(texts)).sum(1) for texts in (true, false))
    return share(int((right > wrong).sum()), len(true))


def best(
    one: Judge, pictures: NDArray[np.uint8], rows: Sequence[int], options: Sequence[Sequence[str]], right: list[int]
) -> dict[str, Any]:
    """Return how often the nearest of a picture's options is the right one, of the pictures in these rows."""
    images = one.images(pictures[rows])
    texts = one.texts([text for each in options for text in each]).view(len(options), len(options[0]), -1)
    chosen = torch.einsum("nd,nkd->nk", images, texts).argmax(1)
    return {"ways": len(options[0]), **share(int((chosen == torch.tensor(right)).sum()), len(right))}


def style(source: PictureSet) -> Choice:
    names = [name_of(from_columns(source.columns, place)) for place in range(len(source))]
    options = [[STYLED[each][0].format(name) for each in STYLES] for name in names]
    return range(len(source)), options, [STYLES.index(each) for each in source.columns["style"]]


def tone(source: PictureSet) -> Choice:
    rows = [place for place, each in enumerate(source.columns["tone"]) if each in TONES]
    options = [[name_of(from_columns(source.columns, place, tone=each)) for each in TONES] for place in rows]
    return rows, options, [TONES.index(source.columns["tone"][place]) for place in rows]


def at_work(source: PictureSet) -> list[int]:
    return [place for place, each in enumerate(source.columns["profession"]) if each and not NOT_WORK.search(each)]


def gender(source: PictureSet, kinds: Sequence[str] = GENDERS) -> Choice:
    columns = source.columns
    rows = [place for place in at_work(source) if columns["gender"][place] in kinds]
    options = [
        [f"a {kind} working as {with_article(columns['profession'][place])}" for kind in kinds] for place in rows
    ]
    return rows, options, [kinds.index(columns["gender"][place]) for place in rows]


def profession(source: PictureSet) -> Choice:
    columns, rows = source.columns, at_work(source)
    kinds = sorted({columns["profession"][place] for place in rows})
    options = [[f"a {columns['gender'][place]} working as {with_article(kind)}" for kind in kinds] for place in rows]
    return rows, options, [kinds.index(columns["profession"][place]) for place in rows]


def colour(source: PictureSet) -> Choice:
    """Things of one colour, whose name is told with each of eleven colours before it."""
    columns, said = source.columns, re.compile(rf"\b({'|'.join(COLOURS)})\b ?")
    single = [each[0] if len(each) == 1 and each[0] in COLOURS else "" for each in columns["colours"]]
    things = [place for place, each in enumerate(single) if each and columns["group"][place] != "people-body"]
    named = {
        place: re.sub(r"^an? ", "", said.sub("", name_of(from_columns(source.columns, place)))) for place in things
    }
    rows = [place for place, noun in named.items() if noun.strip()]
    options = [[with_article(f"{each} {noun}") for each in COLOURS] for noun in map(named.__getitem__, rows)]
    return rows, options, [COLOURS.index(single[place]) for place in rows]


ATTRIBUTES: dict[str, Callable[[PictureSet], Choice]] = {
    "style": style, "skin tone": tone, "gender": gender,
    "gender, woman or man": lambda source: gender(source, GENDERS[:2]), "profession": profession, "colour": colour,
}  # fmt: skip


def agreement(judges: dict[str, Judge], source: PictureSet, count: int = 2000) -> dict[str, Any]:
    """Do both judges say the same of the same pictures and prompts?"""
    few = source.take(some(places_of(source), count, seed=3))
    prompts, mean = captions(few), meanings(few)
    ways = min(WAYS, len(set(mean)))
    first, second = (one.similarity(few.on(), prompts).numpy() for one in judges.values())
    one, other = (each.retrieval(few.on(), prompts, meanings=mean, ways=ways) == 1 for each in judges.values())
    own = np.eye(len(few), dtype=bool)
    return {
        "same verdict, 100-way top-1": share(int((one == other).sum()), len(few)),
        **{
            f"correlation of the similarity of {which} prompts": round(
                float(np.corrcoef(first[cells], second[cells])[0, 1]), 4
            )
            for which, cells in (("own", own), ("other", ~own))
        },
    }


def laboratory(one: Judge, count: int = 500) -> dict[str, Any]:
    """Tell true captions from those of a scene in which two objects exchanged something; at noise levels if told."""
    asked = [each.scene for each in shapes.prompts("two", count, seed=11)]
    clean = signed(np.stack([shapes.render(scene) for scene in asked]))
    true = [shapes.caption(scene) for scene in asked]
    figures: dict[str, Any] = {"weights": one.weights, "100-way": hits(one.retrieval(clean, true))}
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for level in LEVELS:
        time = torch.full((count,), level)
        with torch.inference_mode():
            x = torch.lerp(clean, noise, level)
            images = one.network.images(x, time if one.network.config.noisy else None)
        own = (images * one.texts(true)).sum(1)
        told: dict[str, Any] = {}
        for what in SWAPS:
            rows = [k for k, scene in enumerate(asked) if swapped(scene, what) != scene]
            false = [shapes.caption(swapped(asked[k], what)) for k in rows]
            told[what] = share(int((own[rows] > (images[rows] * one.texts(false)).sum(1)).sum()), len(rows))
        other = (images * one.texts(true[1:] + true[:1])).sum(1)
        told["another scene"] = share(int((own > other).sum()), count)
        figures[f"true caption told from one with exchanged parts, noise level {level}"] = told
    return figures


if __name__ == "__main__":
    run(measure)
