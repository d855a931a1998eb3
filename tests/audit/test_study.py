"""A study from any file: asked, drawn, read, analysed and told by its object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from audited import population
from limn.audit.folder import Folder
from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Figure, Figures, Report, Section
from limn.audit.report.write import write
from limn.audit.run import audit
from limn.audit.sources import FromPeople
from limn.audit.statistics.shares import share
from limn.audit.study import Study, build, names, parse
from limn.audit.table import Table
from limn.kernel import registry
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Cooks(Study):
    """How many cooks are women."""

    paper: ClassVar[str] = "bianchi2023easily"

    def probe(self) -> Probe:
        return Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook"}),), each=self.n, seed=self.seed)

    def analyse(self, table: Table) -> Report:
        women = share(table.counts("gender")["woman"], table.account("gender").readable)
        rows = (Figure.of("women", women, table.account("gender")),)
        return Report(
            title="Cooks",
            question="Who cooks?",
            sections=(Section(title="", parts=(Figures(title="", rows=rows),)),),
        )


def test_a_study_from_any_file_is_audited_and_told_again(tmp_path: Path) -> None:
    study = Cooks(n=40)
    *_, table = audit(study, [FromPeople(population=population(0.3))], tmp_path)
    assert isinstance(table, Table)
    write(tmp_path, study.analyse(table), table, study=registry.record(study))
    report = json.loads((tmp_path / "report.json").read_text())
    (row,) = report["sections"][0]["parts"][0]["rows"]
    assert row["low"] < 0.3 < row["high"]
    again = build(Folder(tmp_path).plan().study)
    assert again == study
    assert again.analyse(Folder(tmp_path).table()) == study.analyse(table)


def test_a_folder_of_another_study_is_left_alone(tmp_path: Path) -> None:
    source = FromPeople(population=population(0.3))
    list(audit(Cooks(n=1), [source], tmp_path))
    with pytest.raises(InputError, match="holds an audit of cooks"):
        list(audit(parse("stereotypes:n=1"), [source], tmp_path))


def test_nothing_planted_is_nothing_checked() -> None:
    import numpy as np

    assert list(Cooks().selfcheck(np.random.default_rng(0))) == []
    assert "cooks" not in names()
