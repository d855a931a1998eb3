from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from limn.audit.statistics.shares import clopper_pearson, newcombe, persistence, ratio, share, shares, wilson
from limn.kernel.errors import InputError

COUNTS = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.8, 0.9, 0.95, 0.99])


@given(COUNTS, LEVELS)
def test_wilson_is_scipys(counts: tuple[int, int], level: float) -> None:
    found = wilson(*counts, level=level)
    wanted = stats.binomtest(*counts).proportion_ci(level, method="wilson")
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@given(COUNTS, LEVELS)
def test_clopper_pearson_is_scipys(counts: tuple[int, int], level: float) -> None:
    k, n = counts
    side = {0: "less", n: "greater"}.get(k, "two-sided")
    wanted = stats.binomtest(k, n, alternative=side).proportion_ci(level, method="exact")
    found = clopper_pearson(k, n, level=level)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-9)


@given(COUNTS)
def test_the_complement_has_the_mirrored_interval(counts: tuple[int, int]) -> None:
    k, n = counts
    found, mirror = share(k, n), share(n - k, n).scaled(-1, 1)
    assert (found.value, found.low, found.high) == pytest.approx((mirror.value, mirror.low, mirror.high), abs=1e-9)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= k / n <= found.high <= 1


@given(st.integers(1, 300), st.data())
def test_more_successes_move_both_ends_up(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    less, more = wilson(k, n), wilson(k + 1, n)
    assert less.low is not None
    assert more.low is not None
    assert less.low < more.low
    assert (less.high or 0) < (more.high or 0)


@given(COUNTS, COUNTS)
def test_newcombe_is_statsmodels(first: tuple[int, int], second: tuple[int, int]) -> None:
    wanted = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    found = newcombe(*first, *second)
    assert (found.low, found.high) == pytest.approx(wanted, abs=1e-9)
    back = newcombe(*second, *first).scaled(-1)
    assert (found.low, found.high) == pytest.approx((back.low, back.high), abs=1e-12)


@given(COUNTS, COUNTS)
def test_a_ratio_holds_its_value_and_says_what_the_difference_says(a: tuple[int, int], b: tuple[int, int]) -> None:
    found, difference = ratio(*a, *b), newcombe(*a, *b)
    if b[0] == 0:
        assert not found.estimable
        return
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value * (1 + 1e-9) <= found.high * (1 + 1e-9)
    # Both intervals solve the same equation, so they exclude "no change" together.
    assert difference.low is not None
    assert difference.high is not None
    if min(abs(difference.low), abs(difference.high)) > 1e-9:
        assert (found.low > 1) == (difference.low > 0)
        assert (found.high < 1) == (difference.high < 0)


def test_nothing_readable_is_not_estimable() -> None:
    for found in (share(0, 0), wilson(0, 0), clopper_pearson(0, 0), newcombe(0, 0, 1, 2), persistence(1, 2, 0, 0)):
        assert not found.estimable
        assert "nothing readable" in found.why
    assert all(not each.estimable for each in shares([0, 0, 0]))
    assert shares([]) == ()
    assert persistence(1, 10, 0, 10).why == "the second share is 0"


def test_one_picture_is_a_share_with_a_wide_interval() -> None:
    assert share(1, 1).low == pytest.approx(0.05)
    assert share(1, 1).high == 1


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(InputError, match="between 0 and n"):
        share(k, n)


def test_shares_together_are_wider_and_sum_to_one() -> None:
    alone, together = shares([20, 30, 50]), shares([20, 30, 50], together=True)
    assert sum(each.value or 0 for each in alone) == pytest.approx(1)
    for one, all_of in zip(alone, together, strict=True):
        assert (all_of.low or 0) < (one.low or 0)
        assert (all_of.high or 0) > (one.high or 0)
        assert all_of.level == 0.95


@pytest.mark.parametrize(("p", "n"), [(0.97, 25), (0.9, 9), (0.5, 40), (0.2, 100)])
def test_wilson_covers_where_wald_does_not(p: float, n: int) -> None:
    # Exact coverage: the binomial probability of the counts whose interval holds p.
    chance = stats.binom.pmf(np.arange(n + 1), n, p)
    assert 0.92 < sum(c for k, c in enumerate(chance) if wilson(k, n).covers(p)) < 0.98
    if p >= 0.9:
        wald = [proportion_confint(k, n, method="normal") for k in range(n + 1)]
        assert sum(c for (low, high), c in zip(wald, chance, strict=True) if low <= p <= high) < 0.65


def test_the_ratio_covers() -> None:
    # Exact coverage over all pairs of counts: planted shares .54 and .9, so persistence .6.
    n = 30
    first, second = (stats.binom.pmf(np.arange(n + 1), n, p) for p in (0.54, 0.9))
    covered = sum(
        first[i] * second[j]
        for i in range(n + 1)
        for j in range(1, n + 1)
        if first[i] * second[j] > 1e-9 and persistence(i, n, j, n).covers(0.6)
    )
    assert 0.92 < covered < 0.98
