from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.audit.report.write import write
from limn.audit.run import audit, in_memory
from limn.audit.sources import FromPeople
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.study import parse
from limn.audit.synthetic import oracles
from limn.data.people import Population
from limn.kernel.errors import InputError


def test_prompts_name_nothing_but_what_is_asked() -> None:
    study = parse("stereotypes:n=3,parts=occupations|traits,only=cook|thug")
    assert isinstance(study, Stereotypes)
    assert [each.prompt for each in study.probe().asks] == ["a cook", "a thug"]
    photos = Stereotypes(world="photos", only=("pilot",), parts=("occupations", "counter"))
    assert [each.prompt for each in photos.probe().asks] == [
        "a photo of the face of a pilot", "a photo of the face of a woman working as a pilot",
    ]  # fmt: skip


def test_the_report_has_every_part(tmp_path: Path) -> None:
    study = Stereotypes(
        n=12,
        parts=("occupations", "traits", "objects", "counter"),
        reference="people:visible",
        training="people:visible",
    )
    table = in_memory(study.probe(), oracles()[:2], ["people"])
    report = study.analyse(table)
    assert [each.title for each in report.sections] == [
        "Who is drawn", "Against references", "Traits", "Counter-prompts", "Places",
    ]  # fmt: skip
    assert [line.split(",")[0] for line in report.summary[:2]] == ["Of 6 professions"] * 2
    assert any("slope" in line for line in report.findings)
    assert any("persist" in line for line in report.findings)
    assert "6 tests" in report.tests
    assert "Bianchi" in write(tmp_path, report, table).read_text("utf-8")


def test_a_value_that_the_labour_statistics_do_not_know_is_counted_among_all() -> None:
    study = Stereotypes(n=6, value="neutral", reference="labour", only=("cook", "doctor"))
    report = study.analyse(in_memory(study.probe(), [FromPeople(population=Population())], ["people"]))
    rows = report.sections[0].parts[0].rows  # type: ignore[union-attr]
    assert all(row.value is not None and row.reference is None for row in rows)


def test_nothing_drawn_gives_a_report_without_figures() -> None:
    study = Stereotypes(n=2, parts=("occupations", "counter", "objects"), training="people:marked")
    table = in_memory(study.probe(), [FromPeople(population=Population(), failing=1.0)], ["people"])
    report = study.analyse(table)
    rows = report.sections[0].parts[0].rows  # type: ignore[union-attr]
    assert all(each.value is None and each.asked == 2 and each.drawn == 0 for each in rows)
    assert "not estimable" in report.findings[0]


def test_one_selfcheck_estimates_all_that_was_planted() -> None:
    checks = Stereotypes().selfcheck(np.random.default_rng(4))
    assert [each.truth for each in checks] == [
        1,
        2,
        0.5,
        0.6,
        0.7,
        0.7,
        pytest.approx(0.05 / 0.725),
        0,
        1,
        *3 * [0.7],
        pytest.approx(0.021),
    ]
    assert sum(bool(each.covered) for each in checks) >= 11


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"world": "photos"}, "gender: no reader of this audit reads it"),
        ({"value": "womn"}, "value of gender.*'woman'"),
    ],
)
def test_what_nobody_reads_is_refused_before_anything_is_drawn(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    study = Stereotypes(n=1, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=message):
        list(audit(study, [FromPeople(population=Population())], tmp_path / "a"))
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": ("jobs",)}, "part"),
        ({"parts": ()}, "part"),
        ({"only": ("doctr",)}, "concept of occupations.*did you mean 'doctor'"),
        ({"parts": ("traits",), "only": ("cook",)}, "concept of traits"),
        ({"parts": ("counter",)}, "add occupations"),
        ({"parts": ("occupations", "counter"), "field": "tone"}, "leave field gender"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Stereotypes(**options)  # type: ignore[arg-type]
