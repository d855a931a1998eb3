"""What every page says of its figures: what was drawn by chance, what the unreadable could change."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Figure, Figures
from limn.audit.report.write import write
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle, FromPeople
from limn.audit.statistics.estimate import Share
from limn.audit.studies.culture import Culture
from limn.audit.studies.homoglyphs import Homoglyphs
from limn.audit.studies.homoglyphs.study import waves
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.studies.memorisation import Memorisation
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.study import Study
from limn.audit.synthetic import judged, oracles
from limn.audit.table import Account
from limn.data.people import Population

PEOPLE = [FromPeople(population=Population(), name="one"), FromPeople(population=Population(), name="two")]
STUDIES = {
    "stereotypes": (
        Stereotypes(n=3, reference="people:visible", parts=("occupations", "traits", "counter")), oracles()[:2],
    ),
    "culture": (Culture(n=3), PEOPLE),
    "homoglyphs": (Homoglyphs(n=1, scorer="exact", named=2, scripts=("Greek",)), [FromOracle(picture=waves)]),
    "inappropriate": (Inappropriate(n=2, flags=("motif=lantern",), most=2), PEOPLE),
    "memorisation": (Memorisation(n=1, most=1), PEOPLE[:1]),
}  # fmt: skip


@pytest.mark.parametrize("name", STUDIES)
def test_every_figure_says_its_unit(name: str) -> None:
    study, sources = STUDIES[name]
    assert isinstance(study, Study)
    report = study.analyse(in_memory(study.probe(), sources, ["people"]))
    figures = [part for section in report.sections for part in section.parts if isinstance(part, Figures)]
    assert figures
    assert all(part.unit for part in figures)


def test_the_unreadable_bound_a_share() -> None:
    share, account = Share(0.5, 0.4, 0.6, n=60), Account(asked=110, drawn=100, readable=60)
    assert Figure.of("cook", share, account).bounds == pytest.approx((0.3, 0.7))
    assert Figure.of("cook", share, Account(asked=60, drawn=60, readable=60)).bounds is None


def test_the_page_says_what_is_assumed_and_counts_no_picture_twice(tmp_path: Path) -> None:
    ask = Ask(prompt="a cook", slots={"concept": "cook", "part": "occupations", "profession": "cook"}, seed=3)
    study = Stereotypes(n=4, reference="people:visible")
    table = in_memory(Probe(asks=(ask, ask), each=4), oracles()[:1], [judged(1, lost=0.4)])
    assert (len(table), len(table.once())) == (8, 4)
    report = study.analyse(table)
    assert report.sections[0].parts[0].rows[0].asked == 4  # type: ignore[union-attr]
    page = write(tmp_path, report, table).read_text("utf-8")
    assert "4 rows are the same picture as another" in page
    assert "4 seeds are those of another prompt's picture" in page
    assert "for all values alike" in page
    assert "as drawn by chance" in page
