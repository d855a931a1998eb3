"""A set of changed pictures is a set: labels kept, the judge asked, records that draw again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fresh import NATIVE
from limn.audit.sources import FromGenerator
from limn.kernel import registry
from limn.store import read_record
from limn.synth.intervention import Intervening, asks_of
from limn.synth.labelled import Labelled, read_labelled
from limn.synth.making import Choice, Made, make
from made_sets import SHAPES, judge, picture


def test_labels_are_kept_and_the_judge_verifies(tmp_path: Path) -> None:
    known = Labelled(
        pictures=[picture(shape, 1) for shape in SHAPES], labels=SHAPES, keys=SHAPES, domains=("",) * len(SHAPES)
    )
    source = Intervening(
        intervention=registry.parse("interventions", "sdedit:strength=0.5"),
        source=FromGenerator(model=str(NATIVE)),
        pictures=dict(zip(known.keys, known.pictures, strict=True)),
    )
    asks = asks_of(known, "a {class}", {}, n=2)
    events = make(asks, source, tmp_path, judge=judge(), choice=Choice(twins=False))
    made = next(event for event in events if isinstance(event, Made))
    assert read_labelled(tmp_path, SHAPES).labels == tuple(label for label in SHAPES for _ in range(2))
    assert all("shapes" in row.readings for row in made.table.rows)
    first = next((tmp_path / "data").rglob("*.png"))
    assert read_record(first)["request"]["edit"]["strength"] == 0.5
    assert len({made.table.load(row).tobytes() for row in made.table.rows}) == 6
    assert np.ndim(made.table.load(made.table.rows[0])) == 3
