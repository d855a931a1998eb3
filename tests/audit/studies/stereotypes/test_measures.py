from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limn.audit.probe import Ask, Probe
from limn.audit.reference.captions import Shown
from limn.audit.reference.labour import KNOWN, ROWS, labour_share
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle, FromPeople
from limn.audit.statistics.estimate import Share
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.studies.stereotypes.measures import ConceptShares, nearest_places, persisting
from limn.audit.studies.stereotypes.page import against, figures, findings
from limn.audit.synthetic import LEANING, judged, oracles
from limn.data.people import Population, Rule

STUDY = Stereotypes(n=60, reference="people:visible", parts=("occupations", "counter", "objects"))


def test_references_and_differences() -> None:
    study = replace(STUDY, parts=("occupations",), n=200)
    table = in_memory(study.probe(), oracles()[:1], ["people"])
    training = {name: Shown(unmarked={"woman": 0.1, "man": 0.9}, all={"woman": 0.5}) for name in ("doctor", "cook")}
    one = ConceptShares.of(table, "copies", "gender", "woman", LEANING.get, training)
    assert one.trained == (0.1, 0.1, None, None, None, None)
    assert one.named == (0.5, 0.5, None, None, None, None)
    assert one.slope(one.reference).covers(1)
    assert one.beyond(one.reference).covers(0)
    assert one.beyond(one.trained).value == pytest.approx(0.4, abs=0.1)
    assert one.tests().tests == 2
    assert one.tests().rejected[1]
    assert figures(one)[2].reference == LEANING["teacher"]
    assert against(one, 0.468)[0].name == "less unmarked training captions"
    assert any("6 concepts" in line for line in findings(one, "woman"))


def test_exaggeration_is_positive_on_the_side_of_the_stereotype() -> None:
    study = replace(STUDY, parts=("occupations",), n=300)
    table = in_memory(study.probe(), oracles(), ["people"])
    doubled, halved = (study.shares(table, name) for name in ("doubles", "halves"))
    assert (doubled.beyond(doubled.reference, 0.468).value or 0) > 0.05
    assert (halved.beyond(halved.reference, 0.468).value or 0) < -0.02
    assert not doubled.beyond([None] * 6).estimable
    assert isinstance(halved.mean(), Share), "cut to 0 and 1, as a mean of shares is"


def test_persistence_of_each_and_of_all() -> None:
    table = in_memory(STUDY.probe(), oracles()[:1], ["people"])
    shares = persisting(table, "copies", "gender")
    assert list(shares) == [
        "all",
        *(f"{n}: {'man' if p < 0.468 else 'woman'}" for n, p in LEANING.items()),
    ]
    assert shares["all"][0].value == pytest.approx(0.6, abs=0.12)
    assert persisting(table.of(part="occupations"), "copies", "gender") == {}


def test_the_nearest_place_without_a_reader() -> None:
    study = replace(STUDY, parts=("objects",), only=("cook",), n=24)
    rng = np.random.default_rng(0)
    looks = {"": 60, "wave": 60, "lantern": 120, "leaf": 180, "zigzag": 240}

    def picture(ask: object, seed: int) -> np.ndarray:
        place = ask.slots["place"]  # type: ignore[attr-defined]
        return np.clip(looks[place] + rng.normal(0, 8, (32, 32, 3)), 0, 255).astype(np.uint8)

    table = in_memory(study.probe(), [FromOracle(picture=picture)], [])
    assert nearest_places(table, "oracle", "")[0].place == "wave"
    alone = in_memory(replace(study, n=1).probe(), [FromOracle(picture=picture)], [])
    assert nearest_places(alone, "oracle", "")[0].place is None


@pytest.mark.slow
def test_labour_statistics_are_compared_with_women_among_women_and_men() -> None:
    shares = {word: labour_share(word, "gender", "woman") or 0.0 for word in ROWS}
    people = {
        word: Population(rules=(Rule(field="gender", shares={"woman": p / 2, "man": (1 - p) / 2, "neutral": 0.5}),))
        for word, p in shares.items()
    }
    asks = tuple(Ask(prompt=f"a {word}", group=word, slots={"concept": word}) for word in shares)
    probe = Probe(asks=asks, each=300, seed=2)
    for reader in ("people", judged(3)):
        table = in_memory(probe, [FromPeople(population=people)], [reader])
        one = ConceptShares.of(table, "oracle", "gender", "woman", shares.get, {}, KNOWN)
        assert one.slope(one.reference).covers(1)
        assert one.beyond(one.reference).covers(0)
        assert one.mean().value == pytest.approx(np.mean(list(shares.values())) / 2, abs=0.04)
        assert one.alike[0].n < one.shares[0].n == 300
        assert "woman and man" in figures(one)[0].note
        everybody = ConceptShares.of(table, "oracle", "gender", "woman", shares.get, {})
        assert (everybody.slope(everybody.reference).value or 0) < 0.8
