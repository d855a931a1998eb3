"""What is planted is what is found."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limn.data import people
from limn.data.people import FIELDS, Population, Rule, held_out_cells
from limn.kernel.errors import InputError

FEW_WOMEN = Rule(field="gender", shares={"woman": 1, "man": 4}, when={"profession": "doctor"})
PALE = Rule(field="tone", shares={"light": 3, "dark": 1}, when={"profession": "doctor", "gender": "man"})
WAVES = Rule(field="motif", shares={"wave": 7, "leaf": 1})
weights = st.lists(st.integers(0, 9), min_size=6, max_size=6).filter(any)


def test_even_without_rules() -> None:
    population = Population()
    assert population.joint.sum() == pytest.approx(1)
    for field, values in FIELDS.items():
        for value in values:
            assert population.share({field: value}) == pytest.approx(1 / len(values))


def test_planted_shares_are_told_exactly() -> None:
    population = Population(rules=(FEW_WOMEN, PALE, WAVES))
    assert population.share({"gender": "woman"}, {"profession": "doctor"}) == pytest.approx(0.2)
    assert population.share({"gender": "woman"}, {"profession": "cook"}) == pytest.approx(1 / 3)
    assert population.share({"gender": "woman"}) == pytest.approx((0.2 + 5 / 3) / 6)
    assert population.share({"tone": "light"}, {"profession": "doctor", "gender": "man"}) == pytest.approx(0.75)
    # Among doctors: 0.8 men with 0.75, 0.2 women with 1/6.
    assert population.share({"tone": "light"}, {"profession": "doctor"}) == pytest.approx(0.8 * 0.75 + 0.2 / 6)
    assert population.share({"motif": "wave"}, {"style": "flat"}) == pytest.approx(7 / 8)
    assert population.share({"gender": "man"}, {"gender": "woman"}) == 0
    assert np.isnan(population.share({"gender": "man"}, {"motif": "zigzag"}))


@given(profession=weights, tone=weights)
@settings(max_examples=20)
def test_a_census_has_exactly_the_planted_shares(profession: list[int], tone: list[int]) -> None:
    rules = (
        Rule(field="profession", shares=dict(zip(FIELDS["profession"], profession, strict=True))),
        Rule(field="tone", shares=dict(zip(FIELDS["tone"], tone, strict=True)), when={"gender": "man"}),
        Rule(field="motif", shares={"leaf": 1}),
        Rule(field="style", shares={"flat": 1}),
    )
    n = sum(profession) * sum(tone) * 3 * 6
    found = Population(rules=rules).census(n)
    assert len(found) == n
    work = Counter(person.profession for person in found)
    assert [work[name] * sum(profession) for name in FIELDS["profession"]] == [n * w for w in profession]
    men = Counter(person.tone for person in found if person.gender == "man")
    assert [men[name] * sum(tone) for name in FIELDS["tone"]] == [sum(men.values()) * w for w in tone]


def test_a_census_of_any_size_is_close() -> None:
    population = Population(rules=(FEW_WOMEN, PALE, WAVES))
    for n in (0, 1, 7, 1000):
        found = population.census(n)
        counts = Counter(person.profession for person in found)
        assert len(found) == n
        assert all(abs(counts[name] - n / 6) <= 1 for name in FIELDS["profession"])


def test_samples_find_the_planted_shares_in_the_pictures() -> None:
    """Draw, read the pictures, count: the shares are the planted ones up to the error of sampling."""
    population = Population(rules=(FEW_WOMEN, WAVES))
    pictures, drawn = people.batch(np.random.default_rng(0), 600, population=population)
    read = [reading.person for reading in people.read_all(pictures)]
    assert read == drawn
    doctors = [person for person in read if person.profession == "doctor"]
    women = sum(person.gender == "woman" for person in doctors)
    assert abs(women - 0.2 * len(doctors)) < 4 * np.sqrt(0.16 * len(doctors))
    waves = sum(person.motif == "wave" for person in read)
    assert abs(waves - 525) < 4 * np.sqrt(600 * 7 / 64)


def test_splits_are_apart_and_together_everything() -> None:
    train, cell = (Population(split=split).joint > 0 for split in ("train", "cell"))
    assert not (train & cell).any()
    assert (train | cell).all()
    assert held_out_cells().mean() == pytest.approx(0.1, abs=0.01)
    for axis in range(3):  # every value is seen in training, and held out somewhere
        others = tuple(k for k in range(3) if k != axis)
        assert held_out_cells().any(axis=others).all()
        assert (~held_out_cells()).any(axis=others).all()


def test_the_same_seed_draws_the_same_people() -> None:
    first, second = (people.batch(np.random.default_rng(5), 20) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert first[1] == second[1]


@pytest.mark.parametrize(
    ("rule", "word"),
    [
        ({"field": "tones", "shares": {}}, "did you mean 'tone'"),
        ({"field": "tone", "shares": {"drak": 1}}, "did you mean 'dark'"),
        ({"field": "gender", "shares": {"man": 1}, "when": {"tone": "dark"}}, "before it"),
        ({"field": "gender", "shares": {"man": -1, "woman": 2}}, "0 or more"),
        ({"field": "gender", "shares": {"man": float("nan")}}, "finite"),
        ({"field": "gender", "shares": {"man": 0}}, "above 0"),
    ],
)
def test_rules_that_cannot_be(rule: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Rule(**rule)  # type: ignore[arg-type]


def test_populations_that_cannot_be() -> None:
    with pytest.raises(InputError, match="split"):
        Population(split="test")  # type: ignore[arg-type]
    cell = np.argwhere(~held_out_cells())[0]
    fixed = tuple(
        Rule(field=name, shares={FIELDS[name][k]: 1})
        for name, k in zip(("profession", "gender", "tone"), cell, strict=True)
    )
    with pytest.raises(InputError, match="nobody is left"):
        Population(rules=fixed, split="cell")
    with pytest.raises(InputError, match="n:"):
        people.batch(np.random.default_rng(0), -1)
