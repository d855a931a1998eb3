from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from limn.audit.statistics.associations import cosines, eat, largest_effect, relative_bias, sc_eat, weat
from limn.kernel.errors import InputError

SEEDS = st.integers(0, 2**31)


def sets(seed: int, *sizes: int, width: int = 8) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(size, width)) for size in sizes]


def published(x: np.ndarray, y: np.ndarray, a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Effect and exact p as the code of Steed and Caliskan (2021) writes them, picture by picture."""

    def cosine(u: np.ndarray, v: np.ndarray) -> float:
        return float(u @ v / np.linalg.norm(u) / np.linalg.norm(v))

    def score(w: np.ndarray) -> float:
        return float(np.mean([cosine(w, each) for each in a]) - np.mean([cosine(w, each) for each in b]))

    pool = [score(w) for w in [*x, *y]]
    first = pool[: len(x)]
    effect = (np.mean(first) - np.mean(pool[len(x) :])) / np.std(pool, ddof=1)
    sums = [sum(pool[i] for i in rows) for rows in combinations(range(len(pool)), len(x))]
    return float(effect), sum(each >= sum(first) - 1e-12 for each in sums) / len(sums)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_weat_is_the_published_code_and_every_partition_of_four(seed: int) -> None:
    x, y, a, b = sets(seed, 4, 4, 3, 5)
    found = weat(x, y, a, b, draws=50)
    effect, p = published(x, y, a, b)
    assert found.effect.value == pytest.approx(effect, abs=1e-9)
    assert found.test.p == pytest.approx(p)
    assert found.test.draws == 70
    assert found.raw.value is not None


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(2, 5), st.integers(2, 5))
def test_signs_bounds_and_order(seed: int, n: int, m: int) -> None:
    x, y, a, b = sets(seed, n, m, 3, 3)
    found, swapped, mirrored = weat(x, y, a, b, draws=50), weat(y, x, a, b, draws=50), weat(x, y, b, a, draws=50)
    assert abs(found.effect.value or 9) <= found.bound + 1e-9
    assert found.bound == largest_effect(n, m)
    assert swapped.effect.value == pytest.approx(-(found.effect.value or 0))
    assert mirrored.effect.value == pytest.approx(-(found.effect.value or 0))
    order = np.random.default_rng(seed).permutation(n)
    assert weat(x[order], y, a[::-1], b, draws=50).effect.value == pytest.approx(found.effect.value)
    assert weat(3 * x, y, 7 * a, b, draws=50).effect.value == pytest.approx(found.effect.value)


def test_the_bound_is_reached_and_saturates() -> None:
    x, y = np.tile([1.0, 0.0], (5, 1)), np.tile([0.0, 1.0], (5, 1))
    found = weat(x, y, x, y, draws=50)
    assert found.effect.value == pytest.approx(largest_effect(5, 5)) == pytest.approx(1.8974, abs=1e-4)
    assert found.test.p == 1 / 252


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_sc_eat_is_its_formula(seed: int) -> None:
    w, a, b = sets(seed, 1, 4, 5)
    near, far = cosines(w, a)[0], cosines(w, b)[0]
    found = sc_eat(w[0], a, b, draws=50)
    pool = np.concatenate([near, far])
    assert found.effect.value == pytest.approx((near.mean() - far.mean()) / pool.std(ddof=1), abs=1e-9)
    assert found.raw.value == pytest.approx(near.mean() - far.mean())
    sums = [sum(pool[list(rows)]) for rows in combinations(range(9), 4)]
    assert found.test.p == pytest.approx(np.mean([each >= near.sum() - 1e-12 for each in sums]))


def planted(rng: np.random.Generator, effect: float, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw unit vectors with normal cosines to the first axis, one group `effect` deviations above the other."""
    cosine = np.clip(0.3 + 0.05 * (rng.normal(size=2 * n) + effect * (np.arange(2 * n) < n)), -1, 1)
    rows = np.column_stack([cosine, np.sqrt(1 - cosine**2)])
    return np.array([1.0, 0.0]), rows[:n], rows[n:]


@pytest.mark.parametrize("effect", [0.0, 0.5, 1.0])
def test_a_planted_effect_lies_in_the_interval(effect: float) -> None:
    rng = np.random.default_rng(3)
    # d divides by the spread of both groups pooled, which the effect itself widens.
    truth, n = effect / np.sqrt(1 + effect**2 / 4), 40
    found = [sc_eat(*planted(rng, effect, n), draws=200) for _ in range(40)]
    assert sum(each.effect.covers(truth) for each in found) >= 34
    assert sum(each.raw.covers(0.05 * effect) for each in found) >= 34


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(0)
    found = [sc_eat(*planted(rng, 0, 5), draws=2).test.p for _ in range(200)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_pictures_of_one_subject_move_together() -> None:
    rng = np.random.default_rng(1)
    w, a, b = planted(rng, 3, 3)
    many = sc_eat(w, np.repeat(a, 6, 0), np.repeat(b, 6, 0), subjects=np.repeat(np.arange(6), 6), draws=20)
    assert many.test.p == sc_eat(w, a, b, draws=20).test.p
    assert (many.test.p or 0) >= 1 / 20


def test_what_cannot_be_tested_says_so() -> None:
    x, y, a, b = sets(0, 1, 3, 2, 2)
    assert "fewer than two" in weat(x, y, a, b).effect.why
    assert not weat(x, y, a, b).test.tested
    same = np.ones((3, 8))
    assert eat(same, same, a, b, draws=5).effect.why == "all are equal"
    assert "empty" in weat(np.zeros((3, 8)), y, a, b, draws=5).effect.why
    with pytest.raises(InputError, match="width"):
        cosines(x, np.ones((2, 3)))


def test_relative_bias_of_given_cosines() -> None:
    assert relative_bias([0.2, 0.4], [0.3, 0.3]) == pytest.approx([50, -25])
    assert np.isnan(relative_bias([1e-5], [0.3])).all()
