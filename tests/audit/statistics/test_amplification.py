from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.audit.statistics.amplification import guided_share, guided_shares, unmarked_share
from limn.kernel.errors import InputError

INSIDE = st.floats(0.02, 0.98)


@given(INSIDE, st.floats(0, 0.95), st.floats(0, 0.95))
def test_the_unmarked_share_is_bayes_and_has_a_complement(p: float, inside: float, outside: float) -> None:
    found = unmarked_share(p, inside, outside)
    assert 0 <= found <= 1
    assert found == pytest.approx(1 - unmarked_share(1 - p, outside, inside))
    assert unmarked_share(p, inside, inside) == pytest.approx(p)


@given(INSIDE, INSIDE, st.floats(1, 12))
def test_guidance_moves_away_from_the_marginal_and_keeps_it(p: float, q: float, scale: float) -> None:
    found = guided_share(p, q, scale)
    assert 0 <= found <= 1
    assert (found - p) * (p - q) >= -1e-12
    assert guided_share(p, q, 1) == pytest.approx(p)
    assert guided_share(p, p, scale) == pytest.approx(p)
    assert found == pytest.approx(1 - guided_share(1 - p, 1 - q, scale), abs=1e-9)
    assert guided_share(p, q, scale, visible=True) == p


def test_guidance_adds_log_odds() -> None:
    def logit(p: float) -> float:
        return float(np.log(p / (1 - p)))

    for scale in (1, 2, 3, 7.5):
        assert logit(guided_share(0.7, 0.4, scale)) == pytest.approx(scale * logit(0.7) + (1 - scale) * logit(0.4))


def test_many_groups_sum_to_one_and_keep_their_zeros() -> None:
    found = guided_shares([0.5, 0.3, 0.2, 0], [0.25, 0.25, 0.25, 0.25], 3)
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(np.array([0.125, 0.027, 0.008, 0]) / 0.16)


def test_impossible_shares_are_refused() -> None:
    for call in (
        lambda: unmarked_share(1.2, 0, 0),
        lambda: unmarked_share(0.3, 1, 1),
        lambda: guided_share(0.5, 0, 2),
        lambda: guided_share(0.5, 0.5, 0.5),
    ):
        with pytest.raises(InputError):
            call()
