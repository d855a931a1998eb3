from __future__ import annotations

import time
import tracemalloc
from itertools import combinations, product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as published

from limn.audit.statistics.permutation import arrangements, by_subject, sign_flip, two_samples
from limn.kernel.errors import InputError

FOUR = st.lists(st.integers(-4, 4).map(float), min_size=4, max_size=4)


@given(FOUR, FOUR)
def test_two_groups_of_four_are_enumerated(first: list[float], second: list[float]) -> None:
    pool = first + second
    found = two_samples(first, second, sides="greater")
    if len(set(pool)) == 1:
        assert found.why == "all values are equal"
        return
    splits = [sum(pool[i] for i in rows) for rows in combinations(range(8), 4)]
    assert found.p == sum(each >= sum(first) for each in splits) / 70
    assert found.draws == 70
    both = two_samples(first, second)
    off = [abs(2 * each - sum(pool)) for each in splits]
    assert both.p == sum(each >= abs(2 * sum(first) - sum(pool)) for each in off) / 70
    assert both.p == two_samples(second, first).p


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 6), st.integers(2, 6))
def test_exact_p_values_are_scipys(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=n), rng.normal(0.5, 1, m)
    for sides, theirs in (("two", "two-sided"), ("greater", "greater")):
        wanted = stats.permutation_test(
            (first, second), lambda a, b: a.mean() - b.mean(), alternative="greater", n_resamples=np.inf
        )
        if theirs == "two-sided":
            p = float((abs(wanted.null_distribution) >= abs(wanted.statistic) - 1e-12).mean())
        else:
            p = wanted.pvalue
        assert two_samples(first, second, sides=sides).p == pytest.approx(p)


@pytest.mark.parametrize("n", [4, 5, 7, 8])
def test_the_smallest_p_is_one_over_all_splits(n: int) -> None:
    assert two_samples(np.arange(n) + 100, np.arange(n), sides="greater").p == 1 / comb(2 * n, n)


def test_large_groups_are_random_seeded_and_never_zero() -> None:
    first, second = np.arange(30) + 100.0, np.arange(30.0)
    found = two_samples(first, second, draws=500, seed=3)
    assert found.p == 1 / 501
    assert found == two_samples(first, second, draws=500, seed=3)
    assert "500 random" in found.how
    rows, exact = arrangements(30, 10, draws=50)
    assert not exact
    assert rows.shape == (50, 30)
    assert (rows.sum(1) == 10).all()


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=8))
def test_sign_flips_are_enumerated(values: list[float]) -> None:
    found = sign_flip(values, sides="greater")
    left = [value for value in values if value]
    if not left:
        assert found.why == "no pair differs"
        return
    sums = [sum(s * v for s, v in zip(signs, left, strict=True)) for signs in product((1, -1), repeat=len(left))]
    assert found.p == sum(each >= sum(left) for each in sums) / len(sums)


def test_sign_flips_by_prompt_average_first() -> None:
    values, prompts = [1.0, 3.0, 2.0, -1.0, np.nan], ["a", "a", "b", "c", "c"]
    assert sign_flip(values, groups=prompts) == sign_flip([2.0, 2.0, -1.0])
    many = np.random.default_rng(0).normal(0.5, 1, 60)
    assert sign_flip(many).p == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.01)


def test_subjects_move_whole() -> None:
    # Three subjects a group, ten pictures each: 20 arrangements, however many pictures there are.
    values = np.concatenate([np.full(10, v) for v in (5.0, 6, 7, 1, 2, 3)])
    subjects, second = np.repeat(np.arange(6), 10), np.repeat([False, True], 30)
    found = by_subject(values, second, subjects, sides="greater")
    assert found.p == 1 / 20
    assert found.n == 6
    naive = two_samples(values[:30], values[30:], sides="greater", draws=500)
    assert (naive.p or 1) < (found.p or 0)


def test_subjects_on_both_sides_are_pairs() -> None:
    values, second, subjects = [3.0, 1, 4, 1, 5, 2], [False, True] * 3, [0, 0, 1, 1, 2, 2]
    assert by_subject(values, second, subjects) == sign_flip([2.0, 3.0, 3.0])
    with pytest.raises(InputError, match="some subjects"):
        by_subject(values, second, [0, 0, 1, 1, 2, 3])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=14))
def test_one_picture_a_prompt_is_mcnemars_test(pairs: list[tuple[bool, bool]]) -> None:
    first, second = np.array(pairs).T
    up, down = int((first & ~second).sum()), int((second & ~first).sum())
    found = sign_flip(first.astype(float) - second, groups=range(len(pairs)))
    if not up + down:
        assert not found.tested
        return
    assert found.p == pytest.approx(published([[0, up], [down, 0]], exact=True).pvalue)


def test_prompts_that_change_in_opposite_ways_are_no_change() -> None:
    rng, flipped, pictures = np.random.default_rng(0), 0, 0
    prompts = np.repeat(np.arange(40), 25)
    for _ in range(200):
        shift = rng.choice([-0.3, 0.3], 40)
        before = rng.random((40, 25)) < 0.5
        after = rng.random((40, 25)) < (0.5 + shift)[:, None]
        change = (after.astype(float) - before).ravel()
        flipped += (sign_flip(change, groups=prompts, draws=400).p or 1) <= 0.05
        pictures += published([[0, (change > 0).sum()], [(change < 0).sum(), 0]], exact=True).pvalue <= 0.05
    assert flipped / 200 <= 0.09
    assert pictures / 200 >= 0.15


def test_many_prompts_take_seconds_and_megabytes() -> None:
    change = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 20_000)
    tracemalloc.start()
    start = time.monotonic()
    assert 0 < (sign_flip(change, groups=np.arange(20_000), draws=1000).p or 0) <= 1
    assert time.monotonic() - start < 20
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


def test_null_p_values_are_uniform() -> None:
    rng = np.random.default_rng(0)
    found = [two_samples(*rng.normal(size=(2, 6))).p for _ in range(300)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_nothing_to_test_says_so() -> None:
    for found in (
        two_samples([], [1]),
        two_samples([np.nan], [1]),
        two_samples([1, 1], [1]),
        sign_flip([np.nan]),
    ):
        assert not found.tested
        assert found.why
    assert two_samples([2.0], [1.0]).p == 1.0
