from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from limn.audit.statistics.discrepancy import (
    between,
    closer,
    median_bandwidth,
    mmd,
    mmd_estimate,
    mmd_test,
    nearest_set,
)
from limn.kernel.errors import InputError

SEEDS = st.integers(0, 2**31)


def normal(seed: int, n: int, shift: float = 0.0, width: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, width))


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(2, 6), st.integers(2, 6))
def test_mmd_is_the_sum_over_pairs(seed: int, n: int, m: int) -> None:
    x, y = normal(seed, n), normal(seed + 1, m, 1)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.exp(-((a - b) ** 2).sum() / (2 * 0.7**2)))

    inside = [
        sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) / (len(s) * (len(s) - 1))
        for s in (x, y)
    ]
    across = np.mean([k(a, b) for a in x for b in y])
    assert mmd(x, y, bandwidth=0.7) == pytest.approx(sum(inside) - 2 * across)
    assert mmd(x, y) == pytest.approx(mmd(y[::-1], x))


def test_mmd_of_gaussians_has_its_closed_form() -> None:
    # E k of two draws of N(a, 1) and N(b, 1) is (s^2 / (s^2 + 2))^(d/2) exp(-|a - b|^2 / 2 (s^2 + 2)).
    s, d, shift = 1.5, 3, 1.0
    base = (s**2 / (s**2 + 2)) ** (d / 2)
    truth = 2 * base * (1 - np.exp(-d * shift**2 / (2 * (s**2 + 2))))
    found = [mmd(normal(i, 100), normal(1000 + i, 100, shift), bandwidth=s) for i in range(20)]
    assert np.mean(found) == pytest.approx(truth, abs=3 * np.std(found) / 20**0.5)
    null = [mmd(normal(i, 100), normal(1000 + i, 100), bandwidth=s) for i in range(20)]
    assert np.mean(null) == pytest.approx(0, abs=3 * np.std(null) / 20**0.5)


def test_the_interval_covers_a_true_distance() -> None:
    s, d = 1.5, 3
    truth = 2 * (s**2 / (s**2 + 2)) ** (d / 2) * (1 - np.exp(-d / (2 * (s**2 + 2))))
    held = sum(
        mmd_estimate(normal(i, 40), normal(500 + i, 40, 1), bandwidth=s, draws=200).covers(truth) for i in range(80)
    )
    assert held >= 70


def test_the_median_is_of_different_pictures_of_all_sets() -> None:
    x, y = normal(0, 5), normal(1, 4, 2)
    pool = np.vstack([x, y])
    wanted = np.median([np.linalg.norm(pool[i] - pool[j]) for i in range(9) for j in range(i)])
    assert median_bandwidth(x, y) == pytest.approx(wanted)
    assert between(x, y).shape == (5, 4)


def test_the_nearest_set_is_found_with_one_bandwidth() -> None:
    x, others = normal(0, 40), {"near": normal(1, 40, 0.2), "far": normal(2, 40, 1.5)}
    found = nearest_set(x, others, draws=200)
    wide = median_bandwidth(x, *others.values())
    assert min(found, key=lambda name: found[name].value or 0) == "near"
    assert found["far"].value == pytest.approx(mmd(x, others["far"], bandwidth=wide))
    between_both = closer(x, others["near"], others["far"], bandwidth=wide, draws=200)
    assert between_both.value == pytest.approx((found["near"].value or 0) - (found["far"].value or 0))
    assert (between_both.high or 0) < 0
    alike = closer(x, normal(3, 40, 0.7), normal(4, 40, 0.7), draws=200)
    assert alike.covers(0)


def test_the_test_is_exact_when_small_and_uniform_under_the_null() -> None:
    found = mmd_test(normal(0, 4), normal(1, 4, 50))
    assert (found.p, found.draws) == (2 / 70, 70)
    ps = [mmd_test(normal(i, 5), normal(900 + i, 5)).p for i in range(100)]
    assert stats.kstest(ps, "uniform").pvalue > 0.01
    large = mmd_test(normal(0, 30), normal(1, 30, 1), draws=200)
    assert large.p == 1 / 201


def test_unreadable_and_too_few_pictures() -> None:
    x = normal(0, 4)
    holes = np.vstack([x, np.full((2, 3), np.nan)])
    assert mmd(holes, normal(1, 4)) == mmd(x, normal(1, 4))
    assert np.isnan(mmd(x, x[:1]))
    assert "one picture" in mmd_estimate(x, x[:1]).why
    assert "nothing readable" in mmd_estimate(x, np.empty((0, 3))).why
    assert not mmd_test(x, x[:1]).tested
    with pytest.raises(InputError, match="bandwidth"):
        mmd(np.ones((3, 2)), np.ones((3, 2)))
    with pytest.raises(InputError, match="width"):
        mmd(x, np.ones((3, 2)))
