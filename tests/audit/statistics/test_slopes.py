from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit
from statsmodels.stats.contingency_tables import Table2x2

from limn.audit.statistics.slopes import (
    exaggeration,
    haldane_slope,
    log_odds,
    log_odds_against,
    logit,
    logit_slope,
)
from limn.kernel.errors import InputError

REFERENCE = np.array([0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.8, 0.9])
N = np.full(8, 200)


def drawn(slope: float, seed: int, n: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).binomial(n, expit(slope * logit(REFERENCE)))


@pytest.mark.parametrize("slope", [1.0, 2.0, 0.5])
def test_planted_slopes_are_recovered(slope: float) -> None:
    found = [logit_slope(drawn(slope, seed), N, REFERENCE) for seed in range(60)]
    assert np.mean([each.value or 0 for each in found]) == pytest.approx(slope, abs=0.05)
    assert sum(each.covers(slope) for each in found) >= 54
    assert sum(haldane_slope(drawn(slope, seed), N, REFERENCE).covers(slope) for seed in range(60)) >= 50


def test_the_slope_is_statsmodels_with_its_scatter() -> None:
    k = np.array([30, 20, 90, 60, 130, 120, 190, 170])
    data = np.column_stack([k, N - k])
    fit = sm.GLM(data, sm.add_constant(logit(REFERENCE)), family=sm.families.Binomial()).fit()
    p = fit.fittedvalues
    scatter = float((N * (k / N - p) ** 2 / (p * (1 - p))).sum() / 6)
    spread = stats.t.ppf(0.975, 6) * fit.bse[1] * scatter**0.5
    found = logit_slope(k, N, REFERENCE)
    assert found.value == pytest.approx(fit.params[1])
    assert (found.low, found.high) == pytest.approx((fit.params[1] - spread, fit.params[1] + spread))
    assert f"scatter {scatter:.2g}" in found.how


def test_the_haldane_slope_is_weighted_least_squares() -> None:
    k = drawn(2, 1, 40)
    y = np.log((k + 0.5) / (40 - k + 0.5))
    weights = 1 / (1 / (k + 0.5) + 1 / (40 - k + 0.5))
    fit = sm.WLS(y, sm.add_constant(logit(REFERENCE)), weights=weights).fit()
    assert haldane_slope(k, np.full(8, 40), REFERENCE).value == pytest.approx(fit.params[1])


def test_order_and_complement_do_not_matter() -> None:
    k, order = drawn(1, 3), np.random.default_rng(0).permutation(8)
    found = logit_slope(k, N, REFERENCE)
    for again in (logit_slope(k[order], N, REFERENCE[order]), logit_slope(N - k, N, 1 - REFERENCE)):
        assert (again.value, again.low, again.high) == pytest.approx((found.value, found.low, found.high), rel=1e-6)


def test_all_or_nothing_shares_are_left_to_haldane() -> None:
    k = np.where(REFERENCE > 0.5, 200, 0)
    found = logit_slope(k, N, REFERENCE)
    assert not found.estimable
    assert "haldane_slope" in found.why
    assert (haldane_slope(k, N, REFERENCE).value or 0) > 2


def test_too_little_is_not_estimable() -> None:
    for slope in (logit_slope, haldane_slope):
        assert slope([0, 0], [0, 0], [0.2, 0.3]).why == "nothing readable"
        assert "three concepts" in slope([1, 2], [4, 4], [0.2, 0.3]).why
        assert "three concepts" in slope([1, 2, 3], [4, 4, 4], [0.2, 0.2, 0.2]).why
        assert "same end" in slope([0, 0, 0], [4, 4, 4], [0.2, 0.3, 0.4]).why
    assert not log_odds(0, 0).estimable
    assert "no side" in exaggeration(1, 2, 0.5, 0.5).why
    assert exaggeration(0, 0, 0.4, 0.5).why == "nothing readable"
    for call in (
        lambda: logit([0.0]),
        lambda: logit_slope([3], [2], [0.5]),
        lambda: logit_slope([1], [2], [0.5, 0.6]),
    ):
        with pytest.raises(InputError):
            call()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 200), st.data())
def test_log_odds_are_those_of_a_shifted_table(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n))
    found, mirror = log_odds(k, n), log_odds(n - k, n).scaled(-1)
    assert (found.value, found.low, found.high) == pytest.approx((mirror.value, mirror.low, mirror.high))
    # Against a second group with no spread, the odds ratio has the same value and width.
    big = 1e12
    table = Table2x2([[k + 0.5, n - k + 0.5], [big, big]])
    assert (found.value, found.low) == pytest.approx(
        (table.log_oddsratio, table.log_oddsratio_confint()[0]), abs=1e-4
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 50), st.floats(0.05, 0.95))
def test_exaggeration_has_the_side_of_the_reference(k: int, reference: float) -> None:
    if reference == 0.5:
        return
    found, mirror = exaggeration(k, 50, reference, 0.5), exaggeration(50 - k, 50, 1 - reference, 0.5)
    assert found.value == pytest.approx(np.sign(reference - 0.5) * (k / 50 - reference))
    assert (found.low, found.high) == pytest.approx((mirror.low, mirror.high), abs=1e-9)


def test_a_faithful_share_has_no_log_odds_against_its_reference() -> None:
    assert log_odds_against(40, 100, 0.4).covers(0)
    assert not log_odds_against(80, 100, 0.4).covers(0)
