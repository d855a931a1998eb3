from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from limn.audit.statistics.clustered import (
    clustered_mean,
    clustered_share,
    design_effect,
    paired_change,
    paired_difference,
)
from limn.audit.statistics.estimate import Difference, Share
from limn.audit.statistics.shares import share, wilson
from limn.kernel.errors import InputError

SEEDS = st.integers(0, 2**32 - 1)


def audit(
    seed: int, prompts: int, pictures: int, spread: float, centre: float = 0.4
) -> tuple[np.ndarray, np.ndarray]:
    """Draw 0/1 pictures whose prompts differ by `spread` on the logit scale."""
    rng = np.random.default_rng(seed)
    chance = expit(rng.normal(centre, spread, prompts))
    return rng.binomial(1, np.repeat(chance, pictures)).astype(float), np.repeat(np.arange(prompts), pictures)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(2, 30), st.integers(1, 6))
def test_bounds_complement_order_and_labels(seed: int, prompts: int, pictures: int) -> None:
    values, labels = audit(seed, prompts, pictures, 1.0)
    found = clustered_share(values, labels)
    assert isinstance(found, Share)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= (found.value or 0) <= found.high <= 1
    assert found.low < found.high
    assert found.value == pytest.approx(values.mean())
    order = np.random.default_rng(seed).permutation(len(values))
    named = clustered_share(values[order], [f"prompt {i:03}" for i in labels[order]])
    mirror = clustered_share(1 - values, labels).complement()
    for other in (named, mirror):
        assert (other.low, other.high) == pytest.approx((found.low, found.high), abs=1e-9)


def test_a_figure_gets_the_t_interval_of_its_prompts_means() -> None:
    values = np.random.default_rng(0).normal(size=(30, 40))
    means = values.mean(1)
    found = clustered_mean(values.ravel(), np.repeat(np.arange(30), 40))
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 29, means.mean(), stats.sem(means)))
    assert "t interval" in found.how


def test_one_picture_a_prompt_is_wilsons_interval_nearly() -> None:
    found, wanted = clustered_share([1] * 60 + [0] * 140, range(200)), wilson(60, 200)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=2e-3)


def test_what_cannot_be_estimated_says_so() -> None:
    for mean in (clustered_mean, clustered_share):
        assert mean([], []).why == "nothing readable"
        assert mean([np.nan, np.nan], ["a", "b"]).why == "nothing readable"
        assert "one prompt" in mean([0, 1, 1], ["a"] * 3).why
    assert "no spread" in clustered_mean([0.3, 0.3], ["a", "b"]).why
    assert paired_difference([1, 0], [0, 1], [1, 0], [2, 3]).why == "nothing readable"
    assert not design_effect([1, 1], [0, 1]).estimable


def test_a_share_that_is_one_everywhere_has_the_bound_of_its_prompts() -> None:
    found, wanted = clustered_share(np.ones(400), np.repeat(np.arange(40), 10)), share(40, 40)
    assert (found.value, found.low, found.high) == (1, wanted.low, 1)


def test_a_difference_is_no_share() -> None:
    prompts, rare = np.repeat(np.arange(10), 2), np.zeros(20)
    rare[3] = 1
    found, mirror = clustered_mean(rare, prompts), clustered_mean(-rare, prompts)
    assert (found.low, found.high) == pytest.approx((-0.0631, 0.1631), abs=1e-4)
    assert (mirror.low, mirror.high) == pytest.approx((-0.1631, 0.0631), abs=1e-4)
    with pytest.raises(InputError, match="paired_change"):
        clustered_share(-rare, prompts)


def test_no_change_is_symmetric_and_a_perfect_mitigation_has_a_bound() -> None:
    prompts, ones, zeros = np.repeat(np.arange(10), 2), np.ones(20), np.zeros(20)
    same = paired_change(ones, ones, prompts)
    assert isinstance(same, Difference)
    assert (same.value, same.low, same.high) == pytest.approx((0, -0.2589, 0.2589), abs=1e-4)
    gone = paired_change(zeros, ones, prompts)
    assert (gone.value, gone.low, gone.high) == pytest.approx((-1, -1, -0.4822), abs=1e-4)
    models = paired_difference(ones, prompts, zeros, prompts)
    assert (models.value, models.high) == (1, 1)


LAWS = {
    "alike": (lambda rng, m: np.full(m, 0.3), 0.3),
    "rare": (lambda rng, m: rng.beta(1, 49, m), 0.02),
    "skewed": (lambda rng, m: rng.beta(0.5, 4.5, m), 0.1),
    "all or nothing": (lambda rng, m: (rng.random(m) < 0.2).astype(float), 0.2),
    "spread": (lambda rng, m: rng.beta(5, 5, m), 0.5),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("prompts", [3, 5, 10, 40])
def test_a_share_covers_for_rare_and_skewed_prompts(law: str, prompts: int) -> None:
    rng, (draw, truth) = np.random.default_rng(prompts), LAWS[law]
    labels, held, wide = np.repeat(np.arange(prompts), 10), 0, 0.0
    for _ in range(400):
        values = rng.binomial(1, np.repeat(draw(rng, prompts), 10))
        found = clustered_share(values, labels)
        held += found.covers(truth)
        wide += (found.high or 0) - (found.low or 0)
    assert held / 400 >= 0.92
    assert wide / 400 > 0.01


def test_pooling_does_not_cover_and_the_mean_over_prompts_does() -> None:
    truth = float(expit(np.random.default_rng(0).normal(0.4, 1, 2_000_000)).mean())
    held = pooled = 0
    for seed in range(200):
        values, labels = audit(seed, 30, 40, 1.0)
        held += clustered_share(values, labels).covers(truth)
        pooled += share(int(values.sum()), len(values)).covers(truth)
    assert 0.90 <= held / 200 <= 0.985
    assert pooled / 200 < 0.6


@pytest.mark.slow
def test_many_prompts_take_seconds_and_megabytes() -> None:
    values = (np.random.default_rng(0).random(60_000) < 0.3).astype(float)
    labels = np.repeat(np.arange(30_000), 2)
    tracemalloc.start()
    start = time.monotonic()
    assert clustered_share(values, labels).covers(0.3)
    assert design_effect(values, labels, draws=200).covers(1)
    assert time.monotonic() - start < 20
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()


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
