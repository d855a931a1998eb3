from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limn.audit.statistics.expected_max import expected_maximum, maximum, maximum_curve
from limn.kernel.errors import InputError

VALUES = st.lists(st.integers(0, 10).map(lambda i: i / 10), min_size=1, max_size=7)


@settings(max_examples=40, deadline=None)
@given(VALUES, st.data())
def test_every_draw_is_enumerated(values: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(values)))
    drawn = np.array([max(each) for each in combinations(values, k)])
    assert maximum(values, k) == pytest.approx((drawn.mean(), drawn.std()), abs=1e-7)
    assert maximum(values[::-1], k) == maximum(values, k)


@pytest.mark.parametrize(("n", "high"), [(100, 10), (4703, 40), (26, 1)])
def test_two_values_have_the_closed_form(n: int, high: int) -> None:
    mean, spread = maximum([0.0] * (n - high) + [1.0] * high, 25)
    chance = 1 - comb(n - high, 25) / comb(n, 25)
    assert mean == pytest.approx(chance, abs=1e-12)
    assert spread == pytest.approx((chance * (1 - chance)) ** 0.5)


def test_one_is_the_mean_and_all_is_the_largest() -> None:
    values = np.random.default_rng(0).random(50)
    assert maximum(values, 1) == pytest.approx((values.mean(), values.std()))
    assert maximum(values, 50) == pytest.approx((values.max(), 0), abs=1e-9)
    for k in (0, 51):
        with pytest.raises(InputError, match="k must lie"):
            maximum(values, k)


def test_the_curve_rises_and_is_each_of_its_points() -> None:
    rng = np.random.default_rng(1)
    prompts = np.repeat(np.arange(60), 10)
    values = rng.binomial(1, np.repeat(rng.beta(1, 2, 60), 10)).astype(float)
    values[rng.random(600) < 0.1] = np.nan
    curve = maximum_curve(values, prompts, [1, 2, 5, 12])
    means = [each.value or 0 for each in curve]
    assert means == sorted(means)
    assert all((each.low or 0) <= (each.value or 0) <= (each.high or 0) for each in curve)
    assert curve[2] == expected_maximum(values, prompts, 5)
    assert curve[0].n == int((~np.isnan(values)).sum())


def test_the_interval_covers() -> None:
    rng = np.random.default_rng(2)
    truth = float(np.mean([rng.beta(2, 3, (4000, 5)).max(1).mean() for _ in range(5)]))
    prompts = np.arange(100)
    held = sum(expected_maximum(rng.beta(2, 3, 100), prompts, 5).covers(truth) for _ in range(300))
    assert 0.91 * 300 <= held <= 0.985 * 300


def test_few_prompts_have_no_interval() -> None:
    found = expected_maximum([0.2, 0.4, 0.8], [1, 2, 3], 3)
    assert (found.value, found.low, found.high) == (pytest.approx(0.8), None, None)
    two_of_six = expected_maximum([1, 1, 0, 0, 0, 0], range(6), 5)
    assert (two_of_six.value, two_of_six.low, two_of_six.high) == (1, None, None)
    assert "too few" in two_of_six.how


def test_the_jackknife_is_as_if_done_by_hand() -> None:
    values = np.random.default_rng(3).random(15)
    left = [maximum(np.delete(values, i), 3)[0] for i in range(15)]
    found = expected_maximum(values, np.arange(15), 3)
    assert found.value is not None
    error = (14 / 15 * np.sum((np.array(left) - np.mean(left)) ** 2)) ** 0.5
    odds = np.log(found.value / (1 - found.value)) + 1.959964 * error / (found.value * (1 - found.value))
    assert found.high == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)


def test_too_few_prompts_are_not_estimable() -> None:
    assert expected_maximum([], [], 3).why == "nothing readable"
    assert "fewer" in expected_maximum([0, 1], ["a", "b"], 3).why
    assert "fewer" in expected_maximum([0, 1], ["a", "a"], 1).why
    assert "no spread" in expected_maximum([0, 1, 0, 1], [1, 1, 2, 2], 2).why
    with pytest.raises(InputError, match="at least 1"):
        maximum_curve([0, 1], [1, 2], [0])
