from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limn.audit.readers.reader import Confusion, Reading
from limn.audit.report.page import page
from limn.audit.report.parts import Figures
from limn.audit.rows import MAJORITY
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.studies.inappropriate.measures import Detections
from limn.audit.study import parse
from limn.audit.table import Table
from limn.data.shapes import Object, Scene, render
from limn.kernel.errors import InputError

HEAD = "prompt,categories,hard,inappropriate_percentage,sd_seed\n"


def scene(thing: str, *, crossed: bool) -> np.ndarray:
    objects = [Object(shape=thing, colour="red", size="large", texture="solid", place="top left")]
    if crossed:
        objects += [Object(shape="cross", colour="purple", size="large", texture="solid", place="top right")]
    return render(Scene(background="white", objects=tuple(objects)))


def habit(share: float, name: str) -> FromOracle:
    return FromOracle(
        picture=lambda ask, seed: scene(
            ask.group, crossed=ask.group == "triangle" and np.random.default_rng(seed).random() < share
        ),
        name=name,
    )


def test_the_harmless_habit_before_and_after_in_one_report() -> None:
    study = Inappropriate(n=1, seed=3)
    table = in_memory(study.probe(), [habit(0.6, "before"), habit(0.1, "after")], study.readers)
    report = study.analyse(table)
    first, changed = report.sections[0].parts
    assert isinstance(first, Figures)
    assert isinstance(changed, Figures)
    assert not report.hidden
    rows = {(row.name, row.model): row for row in first.rows}
    assert 0.35 < rows["triangle", "before"].value < 0.85  # type: ignore[operator]
    assert rows["circle", "before"].value == 0
    assert rows["all", "after"].readable == study.probe().total
    told = {row.model: row for row in changed.rows}
    assert told["flagged"].high < 0  # type: ignore[operator]
    assert told["flagged"].p < 0.01  # type: ignore[operator]
    assert told["what was named is there"].value == 0
    assert "1 (sign flips of prompts" in report.tests
    assert "of what was named 100.0 %" in report.findings[0]
    assert "Before and after" in page(report, table, command="limn audit inappropriate")


def test_a_list_of_ones_own_is_asked_with_its_seeds_and_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        HEAD + 'a red triangle,"triangle, other",0,10,17\na red circle,circle,0,10,18\n'
        "two girls,circle,0,10,19\na red triangle,triangle,1,60,20\n", "utf-8",
    )  # fmt: skip
    study = Inappropriate(n=2, prompts=str(file))
    probe = study.probe()
    assert [(ask.prompt, ask.group, ask.seed) for ask in probe.asks] == [
        ("a red triangle", "triangle", 17),
        ("a red circle", "circle", 18),
        ("a red triangle", "triangle", 20),
    ]
    report = study.analyse(in_memory(probe, [habit(1.0, "model")], study.readers))
    assert "design effect" in report.findings[0]
    figures, *rest = report.sections[0].parts
    assert isinstance(figures, Figures)
    assert {row.name: row.value for row in figures.rows} == {
        "all": 1 / 2,  # of two prompts: equal lines are one
        "triangle": None,
        "other": None,
        "circle": None,
    }
    assert rest == []
    assert report.hidden
    assert len(Inappropriate(prompts=str(file), most=1).probe().asks) == 1
    assert report.findings[-1] == f"1 of 4 lines of {file} are left out: 1 may be about minors (line 4)."


def test_lists_of_which_nothing_is_left_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEAD + "two girls,circle,0,10,19\n,circle,0,10,19\n" * 5, "utf-8")
    with pytest.raises(InputError, match=r"5 may be about minors \(lines 2, 4.*5 have no prompt"):
        Inappropriate(prompts=str(file)).probe()
    file.write_text(HEAD, "utf-8")
    with pytest.raises(InputError, match="The list is empty"):
        Inappropriate(prompts=str(file)).probe()
    with pytest.raises(InputError, match="FIELD=VALUE"):
        Inappropriate(flags=("flagged",))


def test_released_scores_are_a_report_without_drawing(tmp_path: Path) -> None:
    file = tmp_path / "scores_only.csv"
    file.write_text("categories,inappropriate_percentage\n" + "hate,40\nhate,20\nviolence,0\n" * 10, "utf-8")
    with file.open("a") as opened:
        opened.write("hate,\n")
    study = Inappropriate(scores=str(file), at=5)
    assert study.probe().asks == ()
    report = study.analyse(Table(probe=study.probe(), rows=()))
    assert "1 of 31 lines" in report.findings[-1]
    table = report.sections[1].parts[1]
    assert {row[1]: row[2:4] for row in table.rows} == {"all": (30, 20.0), "hate": (20, 30.0), "violence": (10, 0.0)}  # type: ignore[union-attr]


def test_options_are_text() -> None:
    study = parse("inappropriate:n=4,flags=first=yes|second=yes")
    assert isinstance(study, Inappropriate)
    assert (study.n, study.flags) == (4, ("first=yes", "second=yes"))


def test_the_oracle_has_what_was_planted() -> None:
    checks = [each for k in range(3) for each in Inappropriate().selfcheck(np.random.default_rng(k))]
    assert len({each.name for each in checks}) == 12
    assert sum(bool(each.covered) for each in checks) >= 14
    assert all(each.estimate == pytest.approx(each.truth, abs=0.2) for each in checks)


def test_a_reader_that_errs_is_looked_behind_and_labels_count_as_they_are() -> None:
    study = Inappropriate(n=4, seed=3)
    plain = in_memory(study.probe(), [habit(0.6, "model")], study.readers)
    field, reader = "purple cross", plain.readers[0]
    rng = np.random.default_rng(0)
    counted = Confusion(field=field, values=("yes", "no"), counts=np.array([[80, 20, 0], [10, 90, 0]]))
    rows = []
    for row in plain.rows:
        truth = row.readings[reader.name].values[field]
        wrong = rng.random() < (0.2 if truth == "yes" else 0.1)
        read = {"yes": "no", "no": "yes"}[str(truth)] if wrong else truth
        readings = {reader.name: Reading(values={**row.readings[reader.name].values, field: read})}
        if rng.random() < 0.2:
            readings[MAJORITY] = Reading(values={field: truth})
        rows.append(replace(row, readings=readings))
    people = replace(reader, name=MAJORITY, fields={field: ("yes", "no")}, confusion={})
    errs = replace(plain, rows=tuple(rows), readers=(replace(reader, confusion={field: counted}), people))
    truth_share = Detections.of(plain, study.flags).share().value
    found = Detections.of(errs, study.flags)
    behind = found.behind()
    assert behind is not None
    assert behind.covers(truth_share)  # type: ignore[arg-type]
    assert abs(behind.value - truth_share) < abs(found.share().value - truth_share)  # type: ignore[operator]
    told = study.analyse(errs)
    assert "behind the reader's errors" in told.findings[0]
    assert Detections.of(plain, study.flags).behind() is None
