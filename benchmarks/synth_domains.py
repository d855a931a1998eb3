"""Styles as domains, and a planted background: what a classifier learns from pictures that a model makes of others.

Each run has concepts of its own, so that intervals are over concepts, too. The style that is left out is one that
the model knows, but the very pictures that are tested were held out of its training, so that it cannot draw them
from memory; OpenMoji it never saw. Retrieval looks through the pictures that the model learned from, by judge_a;
judge_b, which had no part, says whether class and style came out. The oracle is the test picture itself, an upper
bound by construction.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions.common import WORDS, by_concept, chosen
from benchmarks.kit.results import OUT
from benchmarks.kit.run import PICTOGRAMS, run
from limn.audit.sources import FromGenerator
from limn.audit.statistics.estimate import Estimate
from limn.data.captions import with_article
from limn.data.picture_set import PictureSet, load, packed
from limn.data.split import SPLITS, STYLES, unit
from limn.io.pictures import composite
from limn.models.judges import judge
from limn.synth.comparison import Arm, Plan, Result, compare
from limn.synth.intervention import Intervening, Intervention, asks_of
from limn.synth.interventions.background import Background
from limn.synth.interventions.retrieval import Retrieval
from limn.synth.interventions.sdedit import SDEdit
from limn.synth.interventions.text import Text
from limn.synth.labelled import Labelled
from limn.synth.worth import Results, over_seeds

OPENMOJI = "openmoji"
ASKED = {**WORDS, OPENMOJI: "an icon of {} with black lines"}
"""How a style is asked for; of OpenMoji's name the model knows nothing."""
CLASSIFIER = "residual:width=8,size=16"
EPOCHS = 80
ARMS = {
    "plain": Arm(), "RandAugment": Arm(augment="randaugment"), "by text": Arm(add=("by text",)),
    "by editing": Arm(add=("by editing",)), "retrieval": Arm(add=("retrieval",)), "oracle": Arm(add=("oracle",)),
}  # fmt: skip
SIGNS = (
    ("plain", "RandAugment"), ("RandAugment", "by text"), ("RandAugment", "by editing"), ("by text", "oracle"),
    ("by editing", "oracle"), ("plain", "retrieval"), ("retrieval", "by text"),
)  # fmt: skip
GROUNDS = (
    (224, 32, 32), (240, 144, 32), (240, 224, 32), (128, 208, 32), (32, 144, 64), (32, 208, 208), (32, 96, 224),
    (128, 48, 208), (240, 96, 192), (112, 80, 48),
)  # fmt: skip
"""Colours of planted backgrounds, one for each class."""
PLANTED = {
    "plain": Arm(), "RandAugment": Arm(augment="randaugment"), "and the ground drawn anew": Arm(add=("inpainted",)),
    "the ground drawn anew alone": Arm(of=("inpainted",)), "oracle: any ground": Arm(of=("oracle",)),
}  # fmt: skip
TESTS = ("aligned", "conflicting")

Pixels = NDArray[np.uint8]


def home() -> Path:
    """Return where pictures and classifiers' results are kept, so that a stopped run goes on."""
    return Path(os.environ.get(OUT, "runs")) / "synth_domains"


@cache
def emoji() -> FromGenerator:
    """The model that makes pictures."""
    return FromGenerator(model="emoji")


@cache
def world(data: Path, styles: Sequence[str]) -> tuple[PictureSet, Mapping[str, Mapping[str, int]]]:
    """Return the pictures, and the place of each concept's in each style, people left out."""
    source = load(data, SPLITS, styles)
    things = [place for place, group in enumerate(source.columns["group"]) if group != "people-body"]
    source = source.take(things)
    places = {label: own for label, own in by_concept(source).items() if len(own) == len(styles)}
    return source, dict(sorted(places.items(), key=lambda item: unit(item[0])))


def cell(data: Path, style: str, number: int, classes: int) -> tuple[PictureSet, dict[str, Mapping[str, int]]]:
    """Return the concepts of one run: in every style, and held out of the model's training in the one left out."""
    source, places = world(data, (*STYLES, *([style] if style not in STYLES else [])))
    splits = source.columns["split"]
    fitting = [label for label, own in places.items() if style not in STYLES or splits[own[style]] == "pair"]
    labels = fitting[number * classes : (number + 1) * classes]
    if len(labels) < classes:
        raise SystemExit(f"{data}: has {len(fitting)} concepts for {style}; make sets or classes fewer")
    return source, {label: places[label] for label in labels}


def labelled(pictures: Sequence[Pixels], labels: Sequence[str]) -> Labelled:
    """Return pictures as classifiers take them."""
    keys = tuple(f"{place}" for place in range(len(labels)))
    return Labelled(pictures=list(pictures), labels=tuple(labels), keys=keys, domains=("",) * len(labels))


def changed(name: str, real: Labelled, how: Intervention, to: str) -> Labelled:
    """Return what an intervention makes of pictures, kept under a name; where it fails, the picture itself."""
    path = home() / "pictures" / f"{name}.npz"
    if not path.exists():
        asks = asks_of(real, to, {label: with_article(label) for label in real.labels})
        source = Intervening(
            intervention=how, source=emoji(), pictures=dict(zip(real.keys, real.pictures, strict=True))
        )
        made = [drawing.pixels for drawing in source.draw(asks, [ask.seed for ask in asks])]
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = [old if new is None else new for old, new in zip(real.pictures, made, strict=True)]
        np.savez_compressed(path, pictures=np.stack(whole), failed=sum(new is None for new in made))
    return labelled(list(np.load(path)["pictures"]), real.labels)


def pool(data: Path) -> str:
    """Return the file of the pictures that the model learned from, people left out."""
    from pyarrow import Table, parquet

    path = home() / "pool.parquet"
    if not path.exists():
        columns = packed(data)
        rows = [place for place, group in enumerate(columns["group"]) if group != "people-body"]
        path.parent.mkdir(parents=True, exist_ok=True)
        names = ("key", "label", "captions", "picture")
        parquet.write_table(Table.from_pydict({name: [columns[name][k] for k in rows] for name in names}), path)
    return str(path)


@cache
def retrieval(data: Path) -> Retrieval:
    """The baseline that draws nothing."""
    return Retrieval(pool=pool(data))


def style_cell(data: Path, style: str, number: int, classes: int) -> tuple[dict[str, Labelled], Labelled]:
    """Return what is learned from and tested on where a style is left out."""
    source, places = cell(data, style, number, classes)
    white = source.on()
    seen = [(label, own[other]) for label, own in places.items() for other in own if other != style]
    real = labelled([white[place] for _, place in seen], [label for label, _ in seen])
    true = labelled([white[own[style]] for own in places.values()], list(places))
    to, name = ASKED[style].format("{class}"), f"{data.name}-{style}-{number}-{classes}"
    sources = {
        "real": real,
        "by text": changed(f"{name}-text", real, Text(), to),
        "by editing": changed(f"{name}-sdedit", real, SDEdit(), to),
        "retrieval": changed(f"{name}-retrieval", real, retrieval(data), to),
        "oracle": true.take([k for k in range(len(true)) for _ in range(len(real) // len(true))]),
    }
    return sources, true


def kept(sources: Mapping[str, Labelled], style: str) -> dict[str, list[tuple[bool, bool]]]:
    """Return by source whether judge_b sees the class among the run's and, of four, the style left out."""
    one, labels = judge("judge_b"), list(dict.fromkeys(sources["real"].labels))
    styles = [style, *(other for other in STYLES if other != style)]
    texts = one.texts([ASKED[other].format(with_article(label)) for label in labels for other in styles])
    words = texts.view(len(labels), len(styles), -1)
    result = {}
    for name, source in sources.items():
        close = (one.images(np.stack(source.pictures)) @ words.flatten(0, 1).T).view(len(source), *words.shape[:2])
        own = [labels.index(label) for label in source.labels]
        same, there = close[:, :, 0].argmax(1), close[range(len(own)), own].argmax(1)
        result[name] = [(int(k) == right, int(k2) == 0) for k, k2, right in zip(same, there, own, strict=True)]
    return result


def left_out(data: Path, styles: Sequence[str], runs: int, classes: int, epochs: int) -> Mapping[str, Any]:
    """Leave styles out in turn, each time with other concepts; each of these runs has all arms, which are paired."""
    number = len(STYLES) - (styles[0] in STYLES)
    plan = Plan(arms=ARMS, classifiers=(CLASSIFIER,), numbers=(number,), epochs=epochs, seeds=1, batch=32)
    rows: dict[str, list[Result]] = {style: [] for style in styles}
    seen: dict[str, list[tuple[bool, bool]]] = {}
    for place in range(runs):
        style = styles[place % len(styles)]
        sources, test = style_cell(data, style, place // len(styles), classes)
        events = compare(plan, sources, {"test": test}, home())
        rows[style] += [replace(event, seed=place) for event in events if isinstance(event, Result)]
        for name, pairs in kept(sources, style).items():
            seen.setdefault(name, []).extend(pairs)
        print(f"run {place}, without {style}: done", flush=True)
    plan = replace(plan, reference="plain")
    everything = Results(plan=plan, rows=[row for own in rows.values() for row in own])
    right = {
        arm: {
            "all": shown(everything.accuracy(arm, CLASSIFIER, number, "test")),
            "less plain": shown(everything.gain(arm, CLASSIFIER, number, "test")),
            **{
                style: shown(Results(plan=plan, rows=own).accuracy(arm, CLASSIFIER, number, "test"))
                for style, own in rows.items()
                if len(rows) > 1 and runs >= 5 * len(rows)
            },
        }
        for arm in ARMS
    }
    return {
        "runs": runs, "classes of a run": classes, "real pictures of a class": number,
        "named rightly where a style is left out": right,
        "expected": signs(everything, number), "made pictures by judge_b": reached(seen),
    }  # fmt: skip


def shown(value: Estimate) -> dict[str, float | None]:
    """Return a share with its interval."""
    return {"share": value.value, "low": value.low, "high": value.high}


def signs(results: Results, number: int) -> dict[str, Any]:
    """Return for each sign that is expected whether it is right: its interval lies above 0."""
    rows = {}
    for less, more in SIGNS:
        first, second = (results.values(arm, CLASSIFIER, number, "test") for arm in (more, less))
        gain = over_seeds(np.subtract(first, second).tolist())
        verdict = "right" if (gain.low or 0) > 0 else "wrong" if (gain.high or 0) < 0 else "not told apart"
        rows[f"{less} < {more}"] = {"difference": shown(gain), "verdict": verdict}
    return rows


def reached(seen: Mapping[str, Sequence[tuple[bool, bool]]]) -> dict[str, Any]:
    """Return how often class and style were seen."""
    rows = {}
    for name, pairs in seen.items():
        told = np.array(pairs)
        rows[name] = {
            what: chosen(np.stack([~told[:, k], told[:, k]], 1), [1] * len(told))
            for k, what in enumerate(("class is seen", "style is seen"))
        }
    return rows


def styles(*, data: Path = PICTOGRAMS, runs: int = 20, classes: int = 8, epochs: int = EPOCHS) -> Mapping[str, Any]:
    """Leave each of four styles out in turn; the model knows them all."""
    return left_out(data, STYLES, runs, classes, epochs)


def openmoji(
    *, data: Path = PICTOGRAMS, runs: int = 20, classes: int = 8, epochs: int = EPOCHS
) -> Mapping[str, Any] | None:
    """Leave out a style that no model saw: ``limn data build pictograms --set openmoji``."""
    if not (data / f"{OPENMOJI}.parquet").is_file():
        print(f"{data}: has no OpenMoji; run: limn data build pictograms --set openmoji", flush=True)
        return None
    return left_out(data, (OPENMOJI,), runs, classes, epochs)


def grounded(pictures: Sequence[Pixels], colours: Sequence[int]) -> list[Pixels]:
    """Lay pictures with transparency over some of the colours."""
    return [composite(one[None], GROUNDS[k])[0] for one, k in zip(pictures, colours, strict=True)]


def background(
    *, data: Path = PICTOGRAMS, sets: int = 5, classes: int = 8, epochs: int = EPOCHS
) -> Mapping[str, Any]:
    """Plant a colour behind each class in training, and test on pictures with their own and another's colour."""
    plan = Plan(arms=PLANTED, classifiers=(CLASSIFIER,), numbers=(3,), epochs=epochs, seeds=1, batch=32)
    rows = []
    for number in range(sets):
        sources, tests = ground_cell(data, STYLES[number % len(STYLES)], number, classes)
        events = compare(plan, sources, tests, home())
        rows += [replace(event, seed=number) for event in events if isinstance(event, Result)]
        print(f"set {number}: done", flush=True)
    results = Results(plan=plan, rows=rows)
    table = {}
    for arm in PLANTED:
        aligned, conflicting = (np.array(results.values(arm, CLASSIFIER, 3, test)) for test in TESTS)
        plain = [np.array(results.values("plain", CLASSIFIER, 3, test)) for test in TESTS]
        table[arm] = {
            **{test: shown(results.accuracy(arm, CLASSIFIER, 3, test)) for test in TESTS},
            "conflicting, less plain": shown(over_seeds((conflicting - plain[1]).tolist())),
            "gap": shown(over_seeds((aligned - conflicting).tolist())),
            "gap, less plain": shown(over_seeds((aligned - conflicting - plain[0] + plain[1]).tolist())),
        }
    return {
        "sets": sets, "classes": classes, "real pictures of a class": 3,
        "named rightly where the ground is planted": table,
    }  # fmt: skip


def ground_cell(
    data: Path, style: str, number: int, classes: int
) -> tuple[dict[str, Labelled], dict[str, Labelled]]:
    """Return what is learned from and tested on where each class has a ground of its own in training."""
    source, places = cell(data, style, number, classes)
    labels, rng = list(places), np.random.default_rng(number)
    seen = [(k, own[other]) for k, own in enumerate(places.values()) for other in STYLES if other != style]
    cut, own = [source.pictures[place] for _, place in seen], [labels[k] for k, _ in seen]
    true = [source.pictures[places[label][style]] for label in labels]
    real = labelled(grounded(cut, [k for k, _ in seen]), own)
    sources = {
        "real": real,
        "inpainted": changed(f"{data.name}-ground-{number}-{classes}", real, Background(), "{class}"),
        "oracle": labelled(grounded(cut, rng.integers(classes, size=len(cut)).tolist()), own),
    }
    others = [(k + 1 + int(rng.integers(classes - 1))) % classes for k in range(classes)]
    tests = (labelled(grounded(true, grounds), labels) for grounds in (range(classes), others))
    return sources, dict(zip(TESTS, tests, strict=True))


if __name__ == "__main__":
    run(
        {"styles": styles, "openmoji": openmoji, "background": background},
        quick={"runs": 4, "sets": 1, "classes": 2, "epochs": 1},
    )
