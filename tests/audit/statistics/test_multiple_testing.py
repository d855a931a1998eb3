from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from limn.audit.statistics.multiple_testing import benjamini_hochberg, holm
from limn.kernel.errors import InputError

PS = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@pytest.mark.parametrize("many", [1, 2, 30])
def test_both_are_statsmodels(many: int) -> None:
    ps = np.random.default_rng(many).beta(0.3, 1, many).tolist()
    for mine, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        found = mine(ps)
        rejected, adjusted, *_ = multipletests(ps, alpha=0.05, method=method)
        assert found.p == pytest.approx(tuple(adjusted), abs=1e-12)
        assert found.rejected == tuple(rejected)


@settings(max_examples=8, deadline=None)
@given(PS, st.randoms())
def test_order_does_not_matter_and_holm_is_stricter(ps: list[float], random: object) -> None:
    order = list(range(len(ps)))
    random.shuffle(order)  # type: ignore[attr-defined]
    for method in (holm, benjamini_hochberg):
        assert method([ps[i] for i in order]).p == pytest.approx([method(ps).p[i] for i in order])
    pairs = list(zip(ps, benjamini_hochberg(ps).p, holm(ps).p, strict=True))
    assert all(p <= (bh or 0) + 1e-12 and (bh or 0) <= (strict or 0) + 1e-12 for p, bh, strict in pairs)


def test_what_was_not_tested_does_not_count() -> None:
    found = holm([0.01, None, 0.02])
    assert found.p == (0.02, None, 0.02)
    assert found.rejected == (True, False, True)
    assert found.tests == 2
    assert "2 tests" in found.how
    assert holm([]).p == ()
    assert benjamini_hochberg([None]).p == (None,)


def test_what_is_no_p_value_is_refused() -> None:
    with pytest.raises(InputError, match="p-values"):
        holm([1.2])
    with pytest.raises(InputError, match="p-values"):
        holm([float("nan")])
