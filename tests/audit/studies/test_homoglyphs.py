from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limn.audit.probe import Ask
from limn.audit.report.page import page
from limn.audit.report.parts import Figures, Listing
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.studies.homoglyphs import Homoglyphs
from limn.audit.studies.homoglyphs.study import waves
from limn.audit.study import parse
from limn.kernel.errors import InputError
from limn.kernel.registry import find
from limn.text.homoglyphs import normalised

STUDY = Homoglyphs(scripts=("Greek", "Latin with dot"), scorer="exact", named=2, n=20, planted=0.6)


def named(ask: Ask, seed: int) -> np.ndarray:
    """Draw what a full prompt names, and the planted habit otherwise."""
    from limn.data.people import Person, render

    return render(Person(**ask.slots)) if ask.group == "named" else waves(ask, seed)


def deaf(ask: Ask, seed: int) -> np.ndarray:
    """Draw as from the normalised prompt."""
    clean = replace(ask, prompt=normalised(ask.prompt), group=ask.group if ask.group == "named" else "clean")
    return named(clean, seed)


def test_audit_defence_and_second_audit_in_one_report() -> None:
    sources = [FromOracle(picture=named, name="before"), FromOracle(picture=deaf, name="after")]
    table = in_memory(STUDY.probe(), sources, STUDY.readers)
    report = STUDY.analyse(table)
    parts = {part.title: part for section in report.sections for part in section.parts if isinstance(part, Figures)}
    bias = {(row.name, row.model): row for row in parts["Relative bias"].rows}
    assert bias["Greek", "before"].low > 0  # type: ignore[operator]
    after = bias["Greek", "after"]
    assert (after.value, after.low, after.high) == (0, 0, 0)
    control = bias["Greek: symbol \u00d7", "before"]
    null = 100 * (0.225 * (0.25 / 0.3 + 0.75 / 0.2) - 1)  # a ratio is above 0 by noise alone
    assert control.low < null < control.high  # type: ignore[operator]
    tested = {(row.name, row.model): row.p for row in parts["Difference of cosines"].rows}
    assert tested["Greek", "before"] < 0.05  # type: ignore[operator]
    assert tested["Greek", "after"] is None
    shown = {(row.name, row.model): row for row in parts["Pictures that show the script's motif"].rows}
    assert shown["Greek", "before"].low < 0.6 < shown["Greek", "before"].high  # type: ignore[operator]
    assert shown["Greek", "before"].reference == 0.6
    kept = [row.value for row in parts["Clean prompts that name everything"].rows]
    assert kept == [1, 1, 0]
    assert "Holm" in report.findings[0]
    assert "Look-alike letters" in page(report, table, command="limn audit homoglyphs")


def test_nothing_readable_is_not_estimable() -> None:
    blank = FromOracle(picture=lambda ask, seed: np.zeros((32, 32, 3), np.uint8), name="blank")
    table = in_memory(replace(STUDY, n=1).probe(), [blank], ["people"])
    found = STUDY.effects(table)
    assert not any(each.share.estimable or each.relative.estimable for each in found)


def test_no_picture_at_all() -> None:
    table = in_memory(replace(STUDY, n=1).probe(), [FromOracle(picture=lambda ask, seed: None)], ["people"])
    assert not any(each.share.estimable for each in STUDY.effects(table))
    assert STUDY.analyse(table).findings


def test_text_encoders_are_tested() -> None:
    study = replace(STUDY, encoders=("judge_b",), n=1)
    table = in_memory(study.probe(), [FromOracle(picture=named)], ["people"])
    (listing,) = [part for each in study.analyse(table).sections for part in each.parts if isinstance(part, Listing)]
    assert [row[:2] for row in listing.rows] == [("judge_b", "Greek"), ("judge_b", "Latin with dot")]


def test_selfcheck_plants_what_it_says() -> None:
    checks = [check for k in range(8) for check in Homoglyphs().selfcheck(np.random.default_rng(k))]
    assert len({each.name for each in checks}) == 6
    assert np.mean([each.covered for each in checks]) > 0.8  # type: ignore[arg-type]


def test_options_as_text() -> None:
    assert find("studies", "homoglyphs") is Homoglyphs
    assert parse("homoglyphs:world=scenes,attack=word,n=3") == Homoglyphs(world="scenes", attack="word", n=3)
    with pytest.raises(InputError, match="script"):
        Homoglyphs(scripts=("greek",))
