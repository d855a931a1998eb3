"""What photos of CIFAR-10 that a model makes are worth as training data, and what the rest of the worth is lost to.

Needs ``limn data build cifar10`` and ``limn train cifar10``. The real training photos are parted in three: those
that classifiers learn from, those that the judge learned from, and those on which its errors are counted. Only
figures leave this program, no picture. The accuracy that is lost against real photos is parted, paired by seed:

- lack of variety: learned from the real photos that lie nearest to other real ones of their class, less the same of
  those nearest to the drawn ones (by colours of cells, repeats and all);
- label noise: the latter, less the same with as many photos of other classes among them as the drawn set has, behind
  the judge's errors;
- domain gap: the rest.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kit.drawing import exported
from benchmarks.kit.intervals import share
from benchmarks.kit.results import OUT
from benchmarks.kit.run import run
from benchmarks.polysemy import labelled
from limn.audit.features import features
from limn.audit.probe import Probe
from limn.audit.readers.reader import Confusion, Pictures, Reader, Reading
from limn.audit.run import gather
from limn.audit.sources import FromGenerator
from limn.audit.statistics.estimate import Estimate
from limn.audit.table import Table
from limn.data.cifar10 import FORMS, NAMES, SYNONYMS, load, phrase
from limn.synth.classes import Classes, Thing
from limn.synth.classifier import Lesson
from limn.synth.classifiers.residual import Residual
from limn.synth.comparison import Arm, Plan, Result, compare
from limn.synth.judge import FIELD, Counted, Judge
from limn.synth.labelled import Labelled
from limn.synth.noise import label_noise
from limn.synth.recipe import Recipe
from limn.synth.recipes.name import Name
from limn.synth.recipes.name_definition import NameDefinition
from limn.synth.recipes.style import Style
from limn.synth.worth import Results, over_seeds

CLASSIFIER = "residual:width=8"
SCALE = 2.0
MEANINGS = {
    "airplane": "a machine with wings that flies", "automobile": "a small vehicle with four wheels on a road",
    "bird": "an animal with feathers and a beak", "cat": "a small furry animal with whiskers",
    "deer": "a wild animal with antlers in a wood", "dog": "a furry animal that barks",
    "frog": "a small green animal that jumps", "horse": "a large animal that people ride",
    "ship": "a large vessel on the sea", "truck": "a large vehicle for loads on a road",
}  # fmt: skip
CLASSES = Classes(
    things=tuple(
        Thing(
            label=name, name=phrase(name, "{}"), definition=MEANINGS[name], value=name,
            synonyms=tuple(phrase(word, "{}") for word in SYNONYMS.get(name, ())),
        )
        for name in NAMES
    )
)  # fmt: skip
FORMS_OF = Style(styles=tuple(form for form in FORMS if "{}" in form))
SETS: Mapping[str, Recipe] = {
    "captions' forms": replace(FORMS_OF, scale=SCALE), "bare name": Name(scale=SCALE),
    "names and synonyms": Name(synonyms=True, scale=SCALE), "name and definition": NameDefinition(scale=SCALE),
    "scale 1": replace(FORMS_OF, scale=1.0), "scale 4": replace(FORMS_OF, scale=4.0),
}  # fmt: skip
DRAWN = "captions' forms"
BY_RECIPE, BY_SCALE = list(SETS)[:4], {1.0: "scale 1", SCALE: DRAWN, 4.0: "scale 4"}
OTHERS, NEAREST, MISNAMED = "nearest to real", "nearest to drawn", "nearest to drawn, misnamed"


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained(Reader):
    """A classifier that learned from real photos."""

    lesson: Lesson

    @property
    def name(self) -> str:
        return "trained on real photos"

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        return {FIELD: NAMES}

    @cached_property
    def weights(self) -> str:
        """SHA-256 of what decides its weights."""
        photos = b"".join(photo.tobytes() for photo in self.lesson.pictures)
        return hashlib.sha256(photos + self.lesson.labels.tobytes() + str(self.lesson.steps).encode()).hexdigest()

    @property
    def version(self) -> str:
        return self.weights[:12]

    @cached_property
    def learned(self) -> Any:
        return Residual().learn(self.lesson)

    def read(self, pictures: Pictures) -> list[Reading]:
        return [Reading(values={FIELD: NAMES[k]}) for k in self.learned.predict(pictures)] if len(pictures) else []


def home() -> Path:
    """Return where pictures and classifiers' results are kept, so that a stopped run goes on."""
    return Path(os.environ.get(OUT, "runs")) / "synth_cifar"


read = cache(load)


def photos(data: Path, split: str, start: int, count: int) -> Labelled:
    """Return so many real photos of each class, from the one at ``start`` on."""
    pictures, numbers = read(data, split)
    rows = [int(k) for own in range(len(NAMES)) for k in np.flatnonzero(numbers == own)[start : start + count]]
    labels = tuple(NAMES[numbers[k]] for k in rows)
    return Labelled(
        pictures=[pictures[k] for k in rows], labels=labels, keys=tuple(map(str, rows)), domains=("",) * len(rows)
    )


def judge_of(learned: Labelled, counted: Labelled, epochs: int) -> Judge:
    """Return a judge that learned from some real photos, its errors counted on others."""
    steps = max(1, epochs * len(learned) // 64)
    numbers = np.array([NAMES.index(label) for label in learned.labels])
    lesson = Lesson(pictures=learned.pictures, labels=numbers, classes=len(NAMES), steps=steps)
    reader = Trained(lesson=lesson)
    said = [reading.values[FIELD] for reading in reader.read(counted.pictures)]
    errors = Confusion.of(FIELD, NAMES, counted.labels, said, f"{len(counted)} real photos")
    return Judge(reader=Counted(reader=reader, counted=errors), field=FIELD, values={name: name for name in NAMES})


def drawn(name: str, model: str, n: int, steps: int, judge: Judge) -> Table:
    """Draw and read a set, or go on doing so."""
    recipe = SETS[name]
    source = FromGenerator(model=model, name="cifar10", scale=recipe.scale, steps=steps or None)
    probe = Probe(asks=recipe.asks(CLASSES, n, seeds="content"), each=1)
    folder = home() / f"{name.replace(' ', '-')}-{n}-{source.hashes['weights'][:8]}-{steps}"
    *_, table = gather(probe, [source], [judge.reader], folder)
    assert isinstance(table, Table)
    print(f"{name}: {len(table.rows)} pictures", flush=True)
    return table


def nearest(pool: Labelled, others: Labelled) -> Labelled:
    """Return for each picture the photo of its class that lies nearest, however often."""
    vectors, wanted = (np.asarray(features(one.pictures, "grid"), np.float32) for one in (pool, others))
    places = {label: np.flatnonzero(np.array(pool.labels) == label) for label in set(pool.labels)}
    chosen = [
        int(own[((vectors[own] - vector) ** 2).sum(1).argmin()])
        for vector, own in ((vector, places[label]) for vector, label in zip(wanted, others.labels, strict=True))
    ]
    return pool.take(chosen)


def misnamed(known: Labelled, pool: Labelled, table: Table, judge: Judge) -> Labelled:
    """Put photos of other classes in place of some: as many as the set has, of classes that the judge read in it."""
    facts = (table.readers[0], judge.field, judge.values)
    shares = {one.name: one.best.value or 0.0 for one in label_noise(table, facts, {})[1:]}
    read = {
        name: Counter(str(value) for value in table.of(group=name).values(FIELD, by=facts[0].name) if value != name)
        for name in NAMES
    }
    pictures, labels, rng = list(known.pictures), np.array(known.labels), np.random.default_rng(0)
    for name in NAMES:
        rows = np.flatnonzero(labels == name)
        count = round(shares[name] * len(rows)) if read[name] else 0
        weights = np.array(list(read[name].values()), float)
        for row in rng.permutation(rows)[:count]:
            other = rng.choice(list(read[name]), p=weights / weights.sum())
            pictures[row] = pool.pictures[int(rng.choice(np.flatnonzero(np.array(pool.labels) == other)))]
    return replace(known, pictures=pictures)


def measure(
    *, data: Path = Path("data/cifar10"), model: str = "", n: int = 200, steps: int = 0, epochs: int = 20,
    seeds: int = 5, judged: int = 2000, counted: int = 500, tests: int = 200,
) -> Mapping[str, Any]:  # fmt: skip
    """Compare sets of n pictures of a class on so many tests of each; ``steps`` 0 takes the model's own.

    The judge learns from ``judged`` real photos of each class, its errors are counted on ``counted`` others.
    """
    model = model or str(exported("cifar10"))
    judge = judge_of(photos(data, "train", 0, judged), photos(data, "train", judged, counted), epochs)
    pool, test = photos(data, "train", judged + counted, 5000), photos(data, "test", 0, tests)
    tables = {name: drawn(name, model, n, steps, judge) for name in SETS}
    sources = {"real": pool, **{name: labelled(table) for name, table in tables.items()}}
    others = photos(data, "train", 0, n)
    sources |= {OTHERS: nearest(pool, others), NEAREST: nearest(pool, sources[DRAWN])}
    sources[MISNAMED] = misnamed(sources[NEAREST], pool, tables[DRAWN], judge)
    numbers = tuple(sorted({max(1, n // 10), max(1, n // 3), n}))
    curve = {"real": Arm(), "drawn": Arm(of=(DRAWN,)), "real and drawn": Arm(add=(DRAWN,))}
    rest = {name: Arm(of=(name,)) for name in sources if name not in ("real", DRAWN)}
    rows: list[Result] = []
    plan = Plan(arms={}, classifiers=(CLASSIFIER,), epochs=epochs, seeds=seeds, reference="real")
    for arms, several in ((curve, numbers), (rest, (n,))):
        for event in compare(replace(plan, arms=arms, numbers=several), sources, {"test": test}, home()):
            if isinstance(event, Result):
                rows.append(event)
            else:
                print("{} of {} classifiers".format(*event), flush=True)
    results = Results(plan=replace(plan, arms={**curve, **rest}, numbers=numbers), rows=rows)
    return {
        "model": FromGenerator(model=model).hashes["weights"][:16], "seeds": seeds, "test photos": len(test),
        "judge: real photos named rightly": right_of(judge),
        **figures(results, tables, judge, numbers),
    }  # fmt: skip


def figures(
    results: Results, tables: Mapping[str, Table], judge: Judge, numbers: Sequence[int]
) -> Mapping[str, Mapping[str, Any]]:
    """Return the learning curve, the sets, and what the gap consists of."""
    n = numbers[-1]

    def top1(arm: str, number: int = n) -> Mapping[str, Any]:
        return shown(results.accuracy(arm, CLASSIFIER, number, "test"))

    def row(name: str) -> Mapping[str, Any]:
        noise = label_noise(tables[name], (tables[name].readers[0], judge.field, judge.values), {})[0]
        arm = "drawn" if name == DRAWN else name
        return {
            "named rightly": top1(arm),
            "label noise": shown(noise.best),
            "as the judge reads": shown(noise.read),
        }

    values = {arm: np.array(results.values(arm, CLASSIFIER, n, "test")) for arm in results.plan.arms}
    variety, noise = values[OTHERS] - values[NEAREST], values[NEAREST] - values[MISNAMED]
    lost = values["real"] - values["drawn"]
    parts = {
        "lost against real photos": lost, "lack of variety": variety, "label noise": noise,
        "domain gap (the rest)": lost - variety - noise,
        "lost by taking nearest photos at all": values["real"] - values[OTHERS],
    }  # fmt: skip
    return {
        "pictures of a class": {
            f"{number}": {arm: top1(arm, number) for arm in ("real", "drawn", "real and drawn")}
            for number in numbers
        },
        f"recipe, {n} of a class, scale {SCALE:g}": {name: row(name) for name in BY_RECIPE},
        "guidance scale": {f"{scale:g}": row(name) for scale, name in BY_SCALE.items()},
        "what is lost": {name: {"share": shown(over_seeds(part.tolist()))} for name, part in parts.items()},
    }


def right_of(judge: Judge) -> Mapping[str, Any]:
    """Return how often the judge is right of real photos that it did not learn from."""
    counts = judge.reader.confusion[FIELD].counts
    return share(int(np.trace(counts[:, :-1])), int(counts.sum()))


def shown(value: Estimate) -> Mapping[str, Any]:
    """Return a share with its interval."""
    return {"share": value.value, "low": value.low, "high": value.high}


if __name__ == "__main__":
    few = {"n": 4, "steps": 2, "epochs": 1, "seeds": 2, "judged": 8, "counted": 8, "tests": 5}
    run(measure, quick={"data": Path("data/cifar10"), **few})
