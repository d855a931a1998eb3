"""A word of two meanings, planted: what bare names lose is predicted from the label noise, definitions win it back.

An oracle draws shapes. Two of four classes are called by one word; asked for by it alone it draws either
by chance; asked with a definition, the one that is meant. A classifier cannot tell such classes apart, so it loses
half of what it has in them: as much as the share of wrong labels, times what it is right of otherwise.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.run import run
from limn.audit.probe import Ask, Probe
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.table import Table
from limn.data.shapes import COLOURS, PLACES, Object, Scene, render
from limn.synth.classes import Classes, Thing
from limn.synth.comparison import Arm, Plan, Result, compare
from limn.synth.judge import Judge, open_judge
from limn.synth.labelled import Labelled
from limn.synth.noise import label_noise
from limn.synth.recipe import Recipe
from limn.synth.recipes.name import Name
from limn.synth.recipes.name_definition import NameDefinition
from limn.synth.worth import Results

MEANT = {"circle": "round", "square": "with four sides", "triangle": "with three sides", "star": "with five points"}
KEPT = Path("runs/polysemy")
"""Where each classifier's result is kept, so that a stopped run goes on."""
WORD = {"circle": "counter", "square": "counter", "triangle": "triangle", "star": "star"}
CLASSES = Classes(things=tuple(Thing(label=one, name=WORD[one], definition=MEANT[one], value=one) for one in MEANT))


def picture(ask: Ask, seed: int) -> NDArray[np.uint8]:
    """Draw what the words may mean: with a definition one thing, by the bare word any that is called so."""
    word, _, definition = ask.prompt.partition(", ")
    means = [one for one in MEANT if WORD[one] == word and definition in ("", MEANT[one])]
    rng = np.random.default_rng(seed)
    thing = Object(
        shape=means[int(rng.integers(len(means)))], colour=str(rng.choice(list(COLOURS))), size="large",
        texture=str(rng.choice(["solid", "striped"])), place=str(rng.choice(list(PLACES))),
    )  # fmt: skip
    return render(Scene(background="white", objects=(thing,)))


def made(recipe: Recipe, n: int, judge: Judge, seed: int) -> Table:
    """Draw and read a set."""
    probe = Probe(asks=recipe.asks(CLASSES, n, seed=seed), each=1)
    return in_memory(probe, [FromOracle(picture=picture)], [judge.reader])


def labelled(table: Table) -> Labelled:
    """Return a set as classifiers take it."""
    rows = table.once().rows
    return Labelled(
        pictures=[table.load(row) for row in rows], labels=tuple(row.group for row in rows),
        keys=tuple(row.key for row in rows), domains=("",) * len(rows),
    )  # fmt: skip


def measure(*, n: int = 100, seeds: int = 5, epochs: int = 25) -> Mapping[str, Any]:
    """Make sets of n pictures of a class by each recipe, and compare; tests are drawn by definition."""
    judge = open_judge("shapes", CLASSES)
    sets = {
        "real": made(NameDefinition(), n, judge, 10_000), "name": made(Name(), n, judge, 20_000),
        "name_definition": made(NameDefinition(), n, judge, 30_000),
    }  # fmt: skip
    test = labelled(made(NameDefinition(), 100, judge, 40_000))
    plan = Plan(
        arms={name: Arm(of=(name,)) for name in sets}, classifiers=("residual:width=8",), numbers=(n,),
        epochs=epochs, seeds=seeds, reference="name_definition", tests={"test": ""},
    )  # fmt: skip
    sources = {name: labelled(table) for name, table in sets.items()}
    events: Sequence[Any] = list(compare(plan, sources, {"test": test}, KEPT))
    results = Results(plan=plan, rows=[event for event in events if isinstance(event, Result)])
    figures: dict[str, Any] = {"pictures of a class": n, "seeds": seeds}
    noise = {}
    for name, table in sets.items():
        read = label_noise(table, (table.readers[0], judge.field, judge.values), {})[0].read
        noise[name] = read.value or 0.0
        figures[f"{name}: share of wrong labels"] = {"share": read.value, "low": read.low, "high": read.high}
        right = results.accuracy(name, plan.classifiers[0], n, "test")
        figures[f"{name}: test pictures named rightly"] = {"mean": right.value, "low": right.low, "high": right.high}
    loss = results.gain("name", plan.classifiers[0], n, "test")
    best = results.accuracy("name_definition", plan.classifiers[0], n, "test").value or 0.0
    figures["name less name_definition, paired by seed"] = {"mean": loss.value, "low": loss.low, "high": loss.high}
    figures["predicted from the label noise"] = -noise["name"] * best
    return figures


if __name__ == "__main__":
    run(measure, quick={"n": 8, "seeds": 2, "epochs": 1})
