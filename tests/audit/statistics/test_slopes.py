from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from scipy.special import expit

from limn.audit.statistics.slopes import logit, logit_slope
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


def test_order_and_complement_do_not_matter() -> None:
    k, order = drawn(1, 3), np.random.default_rng(0).permutation(8)
    found = logit_slope(k, N, REFERENCE)
    for again in (logit_slope(k[order], N, REFERENCE[order]), logit_slope(N - k, N, 1 - REFERENCE)):
        assert (again.value, again.low, again.high) == pytest.approx((found.value, found.low, found.high), rel=1e-6)


def test_all_or_nothing_shares_have_no_slope() -> None:
    k = np.where(REFERENCE > 0.5, 200, 0)
    found = logit_slope(k, N, REFERENCE)
    assert not found.estimable
    assert "all or nothing" in found.why


def test_too_little_is_not_estimable() -> None:
    assert logit_slope([0, 0], [0, 0], [0.2, 0.3]).why == "nothing readable"
    assert "three concepts" in logit_slope([1, 2], [4, 4], [0.2, 0.3]).why
    assert "three concepts" in logit_slope([1, 2, 3], [4, 4, 4], [0.2, 0.2, 0.2]).why
    assert "same end" in logit_slope([0, 0, 0], [4, 4, 4], [0.2, 0.3, 0.4]).why
    for call in (
        lambda: logit([0.0]),
        lambda: logit_slope([3], [2], [0.5]),
        lambda: logit_slope([1], [2], [0.5, 0.6]),
    ):
        with pytest.raises(InputError):
            call()
