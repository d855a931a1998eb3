from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limn.audit.report.write import write
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.studies.culture import Culture
from limn.audit.study import parse
from limn.data.people import Population
from limn.kernel.errors import InputError


def test_seeds_are_shared_within_a_subject_only() -> None:
    probe = Culture(n=3).probe()
    assert len(probe.asks) == 6 * 5
    assert len({each.seed for each in probe.items()}) == 6 * 3
    assert len({(each.pair, each.seed) for each in probe.asks}) == 6
    assert {each.group for each in probe.asks} == {"unmarked", "lantern", "wave", "leaf", "zigzag"}


def test_other_worlds() -> None:
    study = parse("culture:n=2,world=photos,only=house")
    asked = [each.prompt for each in study.probe().asks]
    assert asked[:2] == ["a photo of a house", "a photo of a North American house"]


def test_the_report_of_two_models(tmp_path: Path) -> None:
    study = Culture(n=4, training="copied")
    even = Population()
    sources = [FromPeople(name="one", population=even), FromPeople(name="other", population=even, fidelity=0.5)]
    table = in_memory(study.probe(), sources, ["people"])
    report = study.analyse(table)
    assert [each.title for each in report.sections] == [
        "Default culture", "Words", "Diversity", "Memorisation", "Comparison",
    ]  # fmt: skip
    assert "differ in specificity" in report.findings[0]
    assert "Cetinic" in write(tmp_path, report, table).read_text("utf-8")


def test_nothing_drawn_gives_a_report_without_figures() -> None:
    study = Culture(n=2)
    table = in_memory(study.probe(), [FromPeople(population=Population(), failing=1.0)], ["people"])
    assert "nothing was drawn" in study.analyse(table).findings[0]


@pytest.mark.slow
def test_one_selfcheck_estimates_all_that_was_planted() -> None:
    checks = Culture().selfcheck(np.random.default_rng(1))
    assert len(checks) == 13
    assert sum(bool(each.covered) for each in checks) >= 9


def test_references_are_declared() -> None:
    assert Culture(reference=(0.4, 0.3, 0.2, 0.1)).reference[0] == 0.4
    with pytest.raises(InputError, match="4 shares"):
        Culture(reference=(0.5, 0.5))


def test_what_is_misspelt_or_not_read_is_refused() -> None:
    with pytest.raises(InputError, match=r"subject.*'doctor'"):
        Culture(only=("doctr",))
    with pytest.raises(InputError, match="motif: its reader does not tell North American"):
        Culture(world="photos").require({"motif": ("wave", "leaf")})
    with pytest.raises(InputError, match="motif: no reader"):
        Culture().require({})
    Culture(field="").require({})
