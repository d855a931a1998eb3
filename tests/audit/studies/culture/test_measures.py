from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.studies.culture import Culture
from limn.audit.studies.culture.measures import MEASURES, PlacedPictures, differences, dominance
from limn.audit.studies.culture.page import measured, nearness, summary, traded
from limn.audit.studies.culture.study import WAVES
from limn.data.people import Population, Rule

STUDY = Culture(n=12, seed=1000)


@pytest.fixture(scope="module")
def pair() -> tuple[PlacedPictures, PlacedPictures]:
    waves = Population(rules=(Rule(field="motif", shares=WAVES),))
    sources = [
        FromPeople(name="agnostic", population=Population(), fidelity=0.6),
        FromPeople(name="specific", population=waves, fidelity=1.0),
    ]
    table = in_memory(STUDY.probe(), sources, ["people"])
    agnostic, specific = (STUDY.placed(table, name) for name in table.models)
    return agnostic, specific


def test_planted_habits_are_measured(pair: tuple[PlacedPictures, PlacedPictures]) -> None:
    agnostic, specific = pair
    assert agnostic.default()["wave"].covers(0.25)
    assert specific.default()["wave"].covers(0.7)
    assert agnostic.specificity().covers(0.7)
    assert specific.specificity().value == 1
    assert specific.bias().test.p is not None
    assert specific.bias().test.p < 0.001
    assert list(specific.measures()) == list(MEASURES)


def test_the_nearest_place_needs_no_reader(pair: tuple[PlacedPictures, PlacedPictures]) -> None:
    far = {place: each.mean() for place, each in pair[1].nearness.items()}
    assert min(far, key=far.__getitem__) == "wave"
    rows = nearness({"specific": pair[1]}).rows
    assert [row[1] for row in rows if row[-1] == "nearest"] == ["wave"]
    assert "nearest to wave" in summary(pair[1])


def test_differences_and_dominance(pair: tuple[PlacedPictures, PlacedPictures]) -> None:
    told = differences(*pair)
    assert told["default bias"].covers(-0.45)
    assert told["specificity"].covers(-0.3)
    chance = dominance(*pair)
    assert chance["first"] == 0
    assert chance["neither"] > 0.95
    assert sum(chance.values()) == pytest.approx(1)
    same = differences(pair[0], pair[0])
    assert all(each.value is None or abs(each.value) < 1e-12 for each in same.values())
    section, finding = traded(dict(zip(("one", "other"), pair, strict=True)))
    assert "specificity" in finding
    assert len(section.parts) == 3


def test_naming_a_place_changes_more_where_it_is_heeded(pair: tuple[PlacedPictures, PlacedPictures]) -> None:
    values, subjects = pair[1].literal
    assert len(values) == 12 * 6 * 4
    assert set(subjects) == set(pair[1].subjects)
    assert values.min() >= -1e-12


def test_without_a_reader_of_places_the_rest_is_measured() -> None:
    study = replace(STUDY, n=2, only=("doctor", "cook"))
    table = in_memory(study.probe(), [FromPeople(population=Population())], [])
    one = study.placed(table, "oracle")
    assert one.field == ""
    assert list(one.measures()) == list(MEASURES)[2:]
    assert [each.title for each in measured({"oracle": one})] == ["Words", "Diversity"]
    assert "default bias" not in differences(one, one)


def test_nothing_drawn_is_not_estimable() -> None:
    study = replace(STUDY, n=2, only=("doctor", "cook"))
    table = in_memory(study.probe(), [FromPeople(population=Population(), failing=1.0)], ["people"])
    one = study.placed(table, "oracle")
    assert not any(each.estimable for each in one.measures().values())
    assert all(np.isnan(each).all() for each in one.nearness.values())
    assert not differences(one, one)["default bias"].estimable
