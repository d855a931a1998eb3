from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from limn.audit.statistics.inequality import expected_null, imbalance, mad, total_variation
from limn.kernel.errors import InputError

COUNTS = st.lists(st.integers(0, 12), min_size=2, max_size=5).filter(lambda counts: sum(counts) > 1)


@pytest.mark.parametrize(("n", "wanted"), [(9, 0.137), (8, 0.137), (25, 0.081), (100, 0.040), (400, 0.020)])
def test_a_fair_binary_model_scores_what_the_brief_says(n: int, wanted: float) -> None:
    assert imbalance(n // 2, n).null == pytest.approx(wanted, abs=6e-4)


@pytest.mark.parametrize(("n", "wanted"), [(9, 0.078), (25, 0.049), (100, 0.024)])
def test_a_uniform_model_of_ten_classes_scores_what_the_brief_says(n: int, wanted: float) -> None:
    assert mad([n, *[0] * 9]).null == pytest.approx(wanted, abs=6e-4)


def test_the_null_is_the_mean_of_simulated_fair_models() -> None:
    reference = np.array([0.5, 0.3, 0.2])
    seen = np.random.default_rng(0).multinomial(17, reference, 40_000) / 17
    assert expected_null(17, reference) == pytest.approx(abs(seen - reference).sum(1).mean() / 2, abs=1e-3)


@settings(deadline=None, max_examples=40)
@given(COUNTS, st.randoms())
def test_scores_are_bounded_and_do_not_depend_on_order(counts: list[int], random: object) -> None:
    many = len(counts)
    found = mad(counts)
    assert found.score.value is not None
    assert found.score.low is not None
    assert found.score.high is not None
    assert 0 <= found.score.low <= found.score.value <= found.score.high <= 2 * (1 - 1 / many) / many + 1 / many
    assert found.excess == pytest.approx(found.score.value - (found.null or 0))
    assert 0 < (found.test.p or 0) <= 1
    mixed = list(counts)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    again = mad(mixed)
    assert (again.score.value, again.null) == pytest.approx((found.score.value, found.null))
    distance = total_variation(counts, [1 / many] * many)
    assert distance.score.value == pytest.approx(found.score.value * many / 2)


def test_one_class_of_ten_is_the_maximum() -> None:
    assert mad([100, *[0] * 9]).score.value == pytest.approx(0.18)
    assert imbalance(40, 40).score.value == 0.5
    assert imbalance(40, 40).test.p == pytest.approx(2 / 2**40)


@given(st.integers(2, 200), st.data())
@settings(deadline=None, max_examples=40)
def test_the_binary_test_is_the_exact_binomial_one(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    assert imbalance(k, n).test.p == pytest.approx(stats.binomtest(k, n).pvalue, abs=1e-9)
    assert imbalance(k, n).score.value == pytest.approx(imbalance(n - k, n).score.value)


def test_a_fair_model_is_not_called_unfair_and_its_interval_holds_zero() -> None:
    rng = np.random.default_rng(1)
    found = [total_variation(rng.multinomial(60, [0.5, 0.3, 0.2]).tolist(), [0.5, 0.3, 0.2]) for _ in range(150)]
    assert sum((each.test.p or 0) <= 0.05 for each in found) <= 14
    assert sum(each.score.covers(0) for each in found) >= 0.93 * 150
    assert abs(np.mean([each.excess or 0 for each in found])) < 0.01


def test_the_interval_holds_an_unfair_models_score() -> None:
    rng = np.random.default_rng(2)
    shares, reference = np.array([0.7, 0.1, 0.1, 0.1]), [0.25] * 4
    found = [total_variation(rng.multinomial(100, shares).tolist(), reference) for _ in range(100)]
    assert sum(each.score.covers(0.45) for each in found) >= 93
    assert all((each.test.p or 1) < 0.001 for each in found)


def test_many_classes_are_simulated_with_the_seed() -> None:
    counts = [5, 9, 2, 3, 7, 1, 0, 4, 6, 3]
    assert mad(counts, seed=1).test == mad(counts, seed=1).test
    assert mad(counts).test.how == "simulated"
    wanted = stats.chisquare(counts).pvalue
    assert mad(counts).test.p == pytest.approx(wanted, abs=0.05)


def test_too_little_is_not_estimable() -> None:
    for counts in ([0, 0], [1, 0]):
        found = mad(counts)
        assert not found.score.estimable
        assert (found.null, found.excess, found.test.p) == (None, None, None)
    for counts, reference in (([1, 2], [0.5, 0.2]), ([3], [1.0]), ([1, 2], [1.0])):
        with pytest.raises(InputError):
            total_variation(counts, reference)
