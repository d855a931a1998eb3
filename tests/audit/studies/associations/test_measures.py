from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from limn.audit.statistics.associations import sc_eat, weat
from limn.audit.studies.associations.measures import associated
from limn.audit.studies.associations.pictures import drawn_people
from limn.audit.studies.associations.prompts import PAIRS, TEMPLATES, phrases
from limn.audit.synthetic import associated_cosines


def test_with_one_picture_a_subject_it_is_sc_eat() -> None:
    rng = np.random.default_rng(0)
    word, a, b = rng.normal(size=5), rng.normal(size=(6, 5)) + 0.4, rng.normal(size=(7, 5))
    rows = np.vstack([a, b])
    scores = rows @ word / np.linalg.norm(rows, axis=1) / np.linalg.norm(word)
    ours, theirs = associated(scores, np.arange(13) >= 6, np.arange(13)), sc_eat(word, a, b)
    assert ours.effect.value == pytest.approx(theirs.effect.value)
    assert ours.raw.value == pytest.approx(theirs.raw.value)
    assert ours.bound == theirs.bound


def test_with_differences_it_is_eat() -> None:
    rng = np.random.default_rng(1)
    x, y, a, b = (rng.normal(size=(n, 5)) for n in (6, 6, 4, 4))
    x, y, a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (x, y, a, b))
    rows = np.vstack([x, y])
    ours = associated((rows @ a.T).mean(1) - (rows @ b.T).mean(1), np.arange(12) >= 6, np.arange(12))
    assert ours.effect.value == pytest.approx(weat(x, y, a, b).effect.value)


def test_every_split_of_eight_is_counted() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.3, 0.6, 0.5, 0.4, 0.35])
    observed = abs(scores[:4].mean() - scores[4:].mean())
    splits = [set(each) for each in combinations(range(8), 4)]
    gaps = [abs(scores[list(s)].mean() - scores[list(set(range(8)) - s)].mean()) for s in splits]
    found = associated(scores, np.arange(8) >= 4, np.arange(8)).test
    assert found.p == pytest.approx(np.mean(np.array(gaps) >= observed - 1e-12))


def test_subjects_move_whole() -> None:
    """A hundred pictures of two subjects are two subjects: nothing can be shown by them."""
    scores = np.concatenate([np.full(50, 0.3), np.full(50, 0.2)]) + np.random.default_rng(0).normal(0, 1e-4, 100)
    second = np.arange(100) >= 50
    assert associated(scores, second, np.arange(100)).test.p < 0.01
    assert associated(scores, second, second.astype(int)).test.p == 1


@pytest.mark.parametrize("scores", [[0.1], [0.2, 0.2, 0.2, 0.2]])
def test_too_little_is_not_estimable(scores: list[float]) -> None:
    found = associated(scores, np.arange(len(scores)) % 2 == 1, np.arange(len(scores)))
    assert not found.effect.estimable
    assert not found.test.tested


def test_two_subjects_show_next_to_nothing() -> None:
    found = associated([0.1, 0.2, 0.3, 0.5], [False, True, False, True], [0, 0, 1, 1])
    assert found.test.p == 0.5
    assert not found.effect.estimable
    assert found.raw.covers(0)
    assert (found.raw.high or 0) - (found.raw.low or 0) > 0.5


@pytest.mark.parametrize("subjects", [2, 3, 4, 8, 30])
@pytest.mark.parametrize("d", [0.0, 1.0])
def test_few_subjects_cover(subjects: int, d: float) -> None:
    rng, held, raw = np.random.default_rng(subjects), 0, 0
    difference = d * 0.05 / np.sqrt(1 - d * d / 4)
    for _ in range(300):
        found = associated(*associated_cosines(rng, d, subjects=subjects))
        held += found.effect.covers(d)
        raw += found.raw.covers(difference)
    assert raw / 300 >= 0.92
    assert held / 300 >= 0.91 if subjects >= 8 else not held


@pytest.mark.parametrize("d", [0.0, 0.5, 1.0])
def test_a_planted_effect_is_recovered(d: float) -> None:
    found = associated(*associated_cosines(np.random.default_rng(3), d, subjects=4000))
    assert found.effect.value == pytest.approx(d, abs=0.05)


def test_p_is_uniform_where_nothing_is_associated_cosines() -> None:
    rng = np.random.default_rng(4)
    ps = np.sort([associated(*associated_cosines(rng, 0.0, subjects=13)).test.p for _ in range(150)])
    gap = np.abs(ps - (np.arange(150) + 0.5) / 150).max()
    assert gap < 1.63 / np.sqrt(150) + 0.5 / 150  # Kolmogorov and Smirnov, 1 %


def test_icons_come_in_pairs_that_differ_in_gender_alone() -> None:
    people = drawn_people(5, seed=1)
    assert people.second.tolist() == [False, True] * 5
    assert (people.subjects[::2] == people.subjects[1::2]).all()
    assert all((a != b).any() for a, b in zip(people.pictures[::2], people.pictures[1::2], strict=True))


def test_templates() -> None:
    assert len(TEMPLATES) >= 5
    assert all(len(set(phrases(each))) == len(TEMPLATES) for pair in PAIRS.values() for each in pair)
