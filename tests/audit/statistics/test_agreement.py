from __future__ import annotations

import numpy as np
import pytest

from limn.audit.statistics.agreement import krippendorff_alpha

# Krippendorff (2011), section C: four observers, twelve units, five values, some missing; alpha = 0.743.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)


def test_the_published_example() -> None:
    counts = [[unit.count(value) for value in range(1, 6)] for unit in zip(*OBSERVERS, strict=True)]
    found = krippendorff_alpha(counts)
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert found.n == 11
    assert found.covers(0.743)


def test_full_agreement_is_1_and_chance_is_0() -> None:
    assert krippendorff_alpha([[2, 0], [0, 2], [2, 0]]).value == 1
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=(4000, 2))
    assert krippendorff_alpha(np.stack([(labels == k).sum(1) for k in (0, 1)], 1), draws=10).value == pytest.approx(
        0, abs=0.05
    )


def test_what_says_nothing_is_not_estimable() -> None:
    assert "two labels" in krippendorff_alpha([[1, 0], [0, 1]]).why
    assert "the same" in krippendorff_alpha([[2, 0], [3, 0]]).why
