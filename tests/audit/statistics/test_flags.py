"""Flags behind a detector's errors: closed forms, and how often the interval holds the truth."""

import math

import numpy as np
import pytest

from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.flags import corrected_flags
from limn.kernel.errors import InputError

PERFECT = [[10**6, 0, 0], [0, 10**6, 0]]
NOBODY = math.nan


def world(rng: np.random.Generator, *, prompts: int = 60, each: int = 5, labelled: float = 0.0) -> tuple:  # type: ignore[type-arg]
    """Prompts with shares of their own; a detector that sees 80 % and flags 10 % of the plain; some labels."""
    chances = np.repeat(rng.beta(1, 3, prompts), each)
    truth = rng.random(len(chances)) < chances
    read = np.where(truth, rng.random(len(truth)) < 0.8, rng.random(len(truth)) < 0.1).astype(float)
    read[rng.random(len(read)) < 0.15] = math.nan
    labels = np.where(rng.random(len(truth)) < labelled, truth, math.nan)
    counted = [[int(c) for c in rng.multinomial(150, p)] for p in ([0.765, 0.085, 0.15], [0.17, 0.68, 0.15])]
    return read, labels, np.repeat(np.arange(prompts), each), counted


def test_a_perfect_detector_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    read, labels, prompts, _ = world(rng)
    plain, behind = clustered_share(read, prompts), corrected_flags(read, labels, prompts, PERFECT)
    assert behind.value == pytest.approx(plain.value, abs=1e-9)
    assert behind.n == int((~np.isnan(read)).sum())


def test_rates_that_are_known_are_inverted() -> None:
    read = np.array([1.0] * 38 + [0.0] * 62)  # .4 true: .4 x .8 + .6 x .1
    prompts = np.repeat(np.arange(2), 50)[np.random.default_rng(0).permutation(100)]
    behind = corrected_flags(read, [NOBODY] * 100, prompts, [[900_000, 100_000, 0], [200_000, 800_000, 0]])
    assert behind.value == pytest.approx(0.4, abs=1e-9)


def test_labels_count_as_they_are() -> None:
    behind = corrected_flags([0.0, 0.0, 1.0, 1.0], [1, 0, 1, 0], [0, 0, 1, 1], [[8, 2, 0], [2, 8, 0]])
    assert behind.value == pytest.approx(0.5)


@pytest.mark.parametrize("labelled", [0.0, 0.3])
@pytest.mark.slow
def test_the_interval_holds_the_truth(labelled: float) -> None:
    held = []
    for seed in range(200):
        behind = corrected_flags(*world(np.random.default_rng(seed), labelled=labelled))
        held.append(behind.covers(0.25))
    assert 0.9 <= np.mean(held) <= 0.99


def test_a_detector_that_tells_nothing_apart_is_said_to() -> None:
    behind = corrected_flags([1.0, 0.0], [NOBODY] * 2, [0, 1], [[5, 5, 0], [5, 5, 0]])
    assert not behind.estimable
    assert "does not tell" in behind.why


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        corrected_flags([1.0], [NOBODY], [0, 1], PERFECT)
