from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from limn.audit.statistics.replication import adaptive_ratio, dose_response, excess_replication, threshold
from limn.kernel.errors import InputError


def test_the_threshold_is_exceeded_at_its_rate() -> None:
    rng = np.random.default_rng(0)
    above = [stats.norm.sf(threshold(rng.normal(size=499), rate=0.01).value) for _ in range(800)]
    assert np.mean(above) == pytest.approx(0.01, abs=6e-4)


def test_the_interval_of_the_threshold_covers_for_any_law() -> None:
    rng = np.random.default_rng(1)
    for law in (stats.norm(), stats.beta(2, 9)):
        truth = law.ppf(0.95)
        held = sum(threshold(law.rvs(400, random_state=rng), rate=0.05).covers(truth) for _ in range(300))
        assert 0.93 <= held / 300 <= 0.99


def test_the_interval_of_the_threshold_is_made_of_order_statistics() -> None:
    found = threshold(np.arange(1, 1000) / 1000, rate=0.1)
    below = stats.binom(999, 0.9).cdf
    low, high = round(1000 * (found.low or 0)), round(1000 * (found.high or 0))
    assert found.value == 0.9
    assert below(low - 1) <= 0.025 < below(low)
    assert below(high - 2) < 0.975 <= below(high - 1)


def test_few_held_out_pictures_bound_nothing_or_one_side() -> None:
    assert "fewer than the 99" in threshold(np.arange(50.0)).why
    assert threshold([]).n == 0
    found = threshold(np.arange(99.0))
    assert found.value == 98
    assert found.high == np.inf
    assert found.json()["high"] is None
    with pytest.raises(InputError, match="rate"):
        threshold([1.0], rate=1)


def copycat(rng: np.random.Generator, share: float, n: int) -> np.ndarray:
    """Similarities of generated pictures of which a share are near copies."""
    return np.where(rng.random(n) < share, 0.95 + 0.05 * rng.random(n), 0.8 * rng.beta(4, 4, n))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
def test_planted_copying_is_recovered(share: float) -> None:
    rng = np.random.default_rng(int(100 * share))
    found = [
        excess_replication(copycat(rng, share, 500), copycat(rng, 0, 1000), draws=400, seed=seed)
        for seed in range(800)
    ]
    assert np.mean([each.value or 0 for each in found]) == pytest.approx(share, abs=0.002)
    assert 0.92 <= sum(each.covers(share) for each in found) / 800 <= 0.98


def test_prompts_that_copy_widen_the_interval() -> None:
    rng = np.random.default_rng(5)
    prompts = np.repeat(np.arange(40), 25)
    generated = np.where(np.repeat(np.arange(40) < 4, 25), 0.97, copycat(rng, 0, 1000))
    held = copycat(rng, 0, 1000)
    free, clustered = excess_replication(generated, held), excess_replication(generated, held, prompts=prompts)
    assert free.value == clustered.value == pytest.approx(0.1, abs=0.02)
    assert (clustered.high or 0) - (clustered.low or 0) > 2 * ((free.high or 0) - (free.low or 0))
    none = excess_replication(np.zeros(1000), held, prompts=prompts)
    assert none.covers(0)
    # All of 20 prompts are copies: so many of 20 leave room for one that is not.
    every = excess_replication(np.full(200, 10.0), copycat(rng, 0, 300), prompts=np.repeat(np.arange(20), 10))
    assert every.low == pytest.approx(0.86, abs=0.01)
    assert every.high == 1
    assert (none.value or 0) < 0


def test_nothing_generated_is_not_estimable() -> None:
    assert excess_replication([np.nan], np.arange(200.0)).why == "nothing readable"
    assert "fewer" in excess_replication([0.3], [0.1]).why


def test_more_copies_extract_more() -> None:
    copies, trials = [16, 1, 64, 4], np.full(4, 400)
    hits = [120, 8, 260, 30]
    found = dose_response(copies, hits, trials)
    assert found.doses == (1, 4, 16, 64)
    assert [each.value for each in found.shares] == [0.02, 0.075, 0.3, 0.65]
    assert found.fitted == pytest.approx((0.02, 0.075, 0.3, 0.65))
    assert (found.slope.low or 0) > 0
    flat = dose_response(copies, np.random.default_rng(0).binomial(400, 0.1, 4), trials)
    assert flat.slope.covers(0)


def test_the_slope_is_per_doubling() -> None:
    copies = 2.0 ** np.arange(7)
    chance = 1 / (1 + np.exp(-(-4 + 0.9 * np.arange(7))))
    found = dose_response(copies, np.rint(chance * 1e6), np.full(7, 10**6))
    assert found.slope.value == pytest.approx(0.9, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=3, max_size=6))
def test_the_fit_never_falls_and_keeps_the_mean(hits: list[int]) -> None:
    many = len(hits)
    fitted = dose_response(np.arange(1, many + 1), hits, [10] * many).fitted
    assert list(fitted) == sorted(fitted)
    assert sum(fitted) == pytest.approx(sum(hits) / 10)


def test_a_dose_without_trials_has_no_share() -> None:
    found = dose_response([1, 2, 3, 4], [1, 0, 3, 4], [10, 0, 10, 10])
    assert found.fitted[1] is None
    assert not found.shares[1].estimable
    assert dose_response([], [], []).doses == ()
    with pytest.raises(InputError, match="copies"):
        dose_response([0, 1], [1, 1], [2, 2])


def test_the_adaptive_ratio_spares_what_is_close_to_everything() -> None:
    rng = np.random.default_rng(0)
    copy, flat = 1 + rng.random(100), 0.2 + 0.01 * rng.random(100)
    copy[7] = 0.05
    found = adaptive_ratio([copy, flat], neighbours=50)
    assert found[0] <= 1 < found[1]
    near = np.sort(copy)[:50]
    assert found[0] == pytest.approx(0.05 / (0.5 * near.mean()))
    assert adaptive_ratio(np.zeros((1, 50))).tolist() == [0]
    with pytest.raises(InputError, match="at least 50"):
        adaptive_ratio(np.ones((2, 10)))
