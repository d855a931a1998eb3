from __future__ import annotations

import numpy as np
import pytest

from limn.audit.statistics.clustered import clustered_mean
from limn.audit.statistics.resampling import bootstrap, by_prompt
from limn.kernel.errors import InputError


def test_unreadable_pictures_are_left_out_and_order_is_kept() -> None:
    found = by_prompt([1, np.nan, 0, 3, np.nan], ["b", "a", "b", "c", "c"])
    assert {name: group.tolist() for name, group in found.items()} == {"b": [1, 0], "c": [3]}
    assert list(found) == ["b", "c"]
    with pytest.raises(InputError, match="equally many"):
        by_prompt([1.0], ["a", "b"])


def test_any_statistic_can_be_bootstrapped() -> None:
    rng = np.random.default_rng(9)
    labels = np.repeat(np.arange(40), 10)
    values = rng.normal(size=400) + np.repeat(rng.normal(size=40), 10)
    found = bootstrap(lambda rows: float(values[rows].mean()), labels, draws=1000)
    direct = clustered_mean(values, labels)
    assert found.value == pytest.approx(direct.value)
    assert found.low == pytest.approx(direct.low, abs=0.08)
    assert found.high == pytest.approx(direct.high, abs=0.08)


def test_too_little_is_not_estimable() -> None:
    assert not bootstrap(lambda _: 1.0, [0, 0]).estimable
    assert not bootstrap(lambda _: float("nan"), [0, 1]).estimable
