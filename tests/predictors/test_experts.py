from __future__ import annotations

import numpy as np
import pytest

from limn.kernel.errors import InputError
from limn.predictors.experts import ByLevel


def test_every_level_has_exactly_one_expert_and_intervals_hold_their_lower_end() -> None:
    router = ByLevel(parent=None, experts=["a", "b", "c"], bounds=[0.25, 0.75])  # type: ignore[arg-type,list-item]
    times = np.linspace(0, 1, 1001)
    assert [router.place(time) for time in (0.0, 0.2499, 0.25, 0.7499, 0.75, 1.0)] == [0, 0, 1, 1, 2, 2]
    assert {router.place(float(time)) for time in times} == {0, 1, 2}


@pytest.mark.parametrize("bounds", [[], [0.5, 0.5], [0.7, 0.2], [0.1, 0.2, 0.3]])
def test_bounds_must_part_the_levels(bounds: list[float]) -> None:
    with pytest.raises(InputError, match="without gap or overlap"):
        ByLevel(parent=None, experts=["a", "b", "c"], bounds=bounds)  # type: ignore[arg-type,list-item]
