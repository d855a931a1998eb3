from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limn.audit.studies.memorisation.study as module
import limn.audit.training_sets as sets
from limn.audit.report.page import page
from limn.audit.report.parts import Figures, Sheet
from limn.audit.run import in_memory
from limn.audit.studies.memorisation import Memorisation
from limn.audit.synthetic import Copycat


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Smooth coloured grounds in place of icons, which take longer to draw."""
    monkeypatch.setattr(module, "pool", smooth)
    monkeypatch.setattr("limn.audit.synthetic.pool", smooth)
    monkeypatch.setattr(sets, "HELD_SETS", 2)
    return (yield)


@cache
def smooth(count: int = 3) -> np.ndarray:
    coarse = np.random.default_rng(count).integers(0, 255, (400 * count, 4, 4, 3)).astype(np.uint8)
    return coarse.repeat(8, 1).repeat(8, 2)


def test_captions_are_asked() -> None:
    probe = Memorisation(n=3, most=2).probe()
    assert {each.group for each in probe.asks} == {"seen captions"}
    assert len(probe.asks) == 2
    assert probe.total == 6


def test_a_copycat_is_found_and_shown() -> None:
    study = Memorisation(n=30)
    known = study.memory.known
    weights = known.copies / known.copies.sum()
    copycats = [
        Copycat(training=known.pictures, fresh=smooth(), rate=rate, weights=weights).source() for rate in (0.0, 0.5)
    ]
    table = in_memory(study.probe(), copycats, study.readers)
    report = study.analyse(table)
    figures, _ = report.sections[0].parts
    assert isinstance(figures, Figures)
    rows = {row.model: row for row in figures.rows if row.name == "similarity"}
    assert rows["copies 0"].low <= 0 <= rows["copies 0"].high  # type: ignore[operator]
    assert rows["copies 0.5"].value == pytest.approx(0.5, abs=0.12)
    assert [each.title for each in report.sections] == ["Copying", "Repeated pictures", "The nearest"]
    assert all(isinstance(each, Sheet) for each in report.sections[2].parts)
    assert report.findings[1].startswith("copies 0.5: ")
    assert "extracting" in page(report, table).lower()


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    for name, seed in (("seen", 1), ("held", 2)):
        (tmp_path / name).mkdir()
        for k, each in enumerate(smooth(seed)[:110]):
            Image.fromarray(each.repeat(2, 0).repeat(2, 1)).save(tmp_path / name / f"{k}.png")
            (tmp_path / name / f"{k}.txt").write_text(f"{name} {k % 5}", "utf-8")
    study = Memorisation(n=2, training=str(tmp_path / "seen"), held=str(tmp_path / "held"), most=3)
    groups = [ask.group for ask in study.probe().asks]
    assert groups == ["seen captions"] * 3 + ["held-out captions"] * 3
    small = Copycat(training=smooth(1)[:110], fresh=smooth(3), rate=1.0).source()
    report = study.analyse(in_memory(study.probe(), [small], []))
    assert len(report.sections) == 2
    assert report.findings[0].startswith("seen captions: 100.0 % (")


def test_the_oracle_has_what_was_planted() -> None:
    checks = list(Memorisation().selfcheck(np.random.default_rng(0)))
    assert [each.truth for each in checks] == [0.2, *[0, 0.02, 0.1] * 2]
    assert sum(bool(each.covered) for each in checks) >= 5
