from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from limn.audit.statistics.clustered import clustered_mean, design_effect, paired_difference
from limn.audit.statistics.shares import share

SEEDS = st.integers(0, 2**32 - 1)


def audit(
    seed: int, prompts: int, pictures: int, spread: float, centre: float = 0.4
) -> tuple[np.ndarray, np.ndarray]:
    """Draw 0/1 pictures whose prompts differ by `spread` on the logit scale."""
    rng = np.random.default_rng(seed)
    chance = expit(rng.normal(centre, spread, prompts))
    return rng.binomial(1, np.repeat(chance, pictures)).astype(float), np.repeat(np.arange(prompts), pictures)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(2, 30), st.integers(1, 6))
def test_bounds_complement_order_and_labels(seed: int, prompts: int, pictures: int) -> None:
    values, labels = audit(seed, prompts, pictures, 1.0)
    found = clustered_mean(values, labels, draws=200)
    if not found.estimable:
        assert "no spread" in found.why
        return
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= (found.value or 0) <= found.high <= 1
    assert found.value == pytest.approx(values.mean())
    named = clustered_mean(values, [f"prompt {i:03}" for i in labels], draws=200)
    assert (named.value, named.low, named.high) == (found.value, found.low, found.high)
    order = np.random.default_rng(seed).permutation(len(values))
    assert clustered_mean(values[order], labels[order], draws=200).value == pytest.approx(found.value)
    if prompts < 20:
        mirror = clustered_mean(1 - values, labels, draws=200).scaled(-1, 1)
        assert (mirror.low, mirror.high) == pytest.approx((found.low, found.high))


def test_few_prompts_get_the_t_interval_of_their_means() -> None:
    values, labels = audit(3, 12, 40, 0.5)
    means = values.reshape(12, 40).mean(1)
    found = clustered_mean(values, labels)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 11, means.mean(), stats.sem(means)))
    assert "t interval" in found.how


def test_what_cannot_be_estimated_says_so() -> None:
    assert clustered_mean([], []).why == "nothing readable"
    assert clustered_mean([np.nan, np.nan], ["a", "b"]).why == "nothing readable"
    assert "one prompt" in clustered_mean([0, 1, 1], ["a"] * 3).why
    assert "no spread" in clustered_mean([0.3, 0.3], ["a", "b"]).why
    assert "no spread" in paired_difference([1, 0], [0, 1], [1, 0], [0, 1]).why
    assert paired_difference([1, 0], [0, 1], [1, 0], [2, 3]).why == "nothing readable"
    assert not design_effect([1, 1], [0, 1]).estimable


def test_a_share_that_is_one_everywhere_has_the_bound_of_its_prompts() -> None:
    found, wanted = clustered_mean(np.ones(400), np.repeat(np.arange(40), 10)), share(40, 40)
    assert (found.value, found.low, found.high) == (1, wanted.low, 1)


@pytest.mark.parametrize("spread", [0.0, 1.0])
def test_the_two_level_bootstrap_covers_with_and_without_spread_between_prompts(spread: float) -> None:
    truth = float(expit(np.random.default_rng(0).normal(0.4, spread, 2_000_000)).mean())
    held = pooled = 0
    for seed in range(200):
        values, labels = audit(seed, 30, 40, spread)
        held += clustered_mean(values, labels, draws=400, seed=seed).covers(truth)
        pooled += share(int(values.sum()), len(values)).covers(truth)
    assert 0.90 <= held / 200 <= 0.985
    if spread:
        assert pooled / 200 < 0.6


def test_the_bootstrap_variance_is_the_observed_one() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0, 1, (60, 5)) + rng.normal(0, 0.3, (60, 1))
    found = clustered_mean(values.ravel(), np.repeat(np.arange(60), 5), draws=8000)
    wide = (found.high or 0) - (found.low or 0)
    assert wide == pytest.approx(2 * 1.96 * stats.sem(values.mean(1)), rel=0.06)


def test_a_paired_difference_does_not_pay_for_the_spread_between_prompts() -> None:
    rng = np.random.default_rng(5)
    chance = expit(rng.normal(0, 2, 40))
    labels = np.repeat(np.arange(40), 50)
    one = rng.binomial(1, np.repeat(chance, 50)).astype(float)
    two = rng.binomial(1, np.repeat(chance, 50)).astype(float)
    found = paired_difference(one, labels, two, labels)
    assert found.value == pytest.approx(one.mean() - two.mean())
    assert found.covers(0)
    assert found.high is not None
    assert found.low is not None
    assert found.high - found.low < 0.08
    shuffled = rng.permutation(len(two))
    again = paired_difference(one, labels, two[shuffled], labels[shuffled])
    assert again.value == pytest.approx(found.value)


def test_the_design_effect_is_that_of_the_cluster_robust_variance() -> None:
    values, labels = audit(7, 50, 10, 1.5)
    robust = sm.OLS(values, np.ones(500)).fit(
        cov_type="cluster", cov_kwds={"groups": labels, "use_correction": False}
    )
    plain = values.var() / 499
    found = design_effect(values, labels, draws=200)
    assert found.value == pytest.approx(float(robust.bse[0]) ** 2 / plain * 50 / 49)
    assert (found.low or 0) > 1
    free = design_effect(np.random.default_rng(0).normal(size=2000), np.arange(2000) // 10, draws=200)
    assert free.value == pytest.approx(1, abs=0.25)
