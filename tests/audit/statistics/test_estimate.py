from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from limn.audit.statistics.estimate import (
    Estimate,
    Significance,
    from_draws,
    normal_quantile,
    not_estimable,
    not_tested,
    readable,
)
from limn.kernel.errors import InputError


@given(st.floats(0.5, 0.999))
def test_normal_quantile_is_scipys(level: float) -> None:
    assert normal_quantile(level) == pytest.approx(stats.norm.ppf((1 + level) / 2), abs=1e-9)


def test_what_is_not_estimable_says_why_and_covers_nothing() -> None:
    nothing = not_estimable("nothing readable", n=3)
    assert not nothing.estimable
    assert nothing.value is None
    assert not nothing.covers(0.0)
    assert str(nothing) == "not estimable (n = 3): nothing readable"
    assert nothing.scaled(-1, 1) == nothing
    with pytest.raises(InputError, match="why"):
        Estimate(None)


@given(st.floats(-3, 3), st.floats(0.01, 2), st.floats(-5, 5), st.floats(-2, 2))
def test_scaling_keeps_the_ends_in_order(value: float, wide: float, by: float, plus: float) -> None:
    found = Estimate(value, value - wide, value + wide).scaled(by, plus)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.value <= found.high
    assert found.value == by * value + plus


def test_json_holds_no_infinity() -> None:
    record = Estimate(0.5, 0.1, math.inf, n=4, how="ranks").json()
    assert json.loads(json.dumps(record, allow_nan=False))["high"] is None
    assert json.dumps(not_tested("one group is empty").json(), allow_nan=False)
    assert str(Significance(0.02, n=8, how="exact, two-sided")) == "p = 0.02 (n = 8, exact, two-sided)"
    assert "one group is empty" in str(not_tested("one group is empty"))


def test_draws_give_percentiles_without_the_unreadable() -> None:
    found = from_draws(50.0, [*range(101), float("nan")], level=0.9, n=7, how="bootstrap")
    assert (found.low, found.high, found.n) == pytest.approx((5.0, 95.0, 7))
    assert not from_draws(1.0, [float("nan")], level=0.9, n=7, how="bootstrap").estimable
    with pytest.raises(InputError, match="level"):
        from_draws(1.0, [1.0], level=95, n=1, how="")


def test_none_and_nan_are_unreadable() -> None:
    assert readable(np.array([1, None, float("nan"), 0], dtype=object)).tolist() == [1.0, 0.0]
