"""Small inputs that once gave wrong figures, each beside the right value."""

from __future__ import annotations

import numpy as np
import pytest

from limn.audit.statistics.clustered import clustered_mean, paired_change
from limn.audit.statistics.expected_max import expected_maximum
from limn.audit.statistics.measurement_error import corrected_shares
from limn.audit.statistics.permutation import sign_flip
from limn.audit.statistics.replication import excess_replication
from limn.audit.studies.associations.measures import associated
from limn.text.homoglyphs import normalise

GENDER = np.array([[184, 1, 3, 0, 17], [1, 162, 12, 0, 39], [2, 14, 181, 0, 49], [1, 1, 0, 672, 15]])
"""A reader's confusion matrix; the last column is unreadable."""

PROMPTS = np.repeat(np.arange(10), 2)


def test_pictures_that_cannot_be_read_are_no_class() -> None:
    behind = corrected_shares([108, 58, 41, 0, 193], GENDER)[0]
    assert behind.covers(0.5)
    assert behind.value == pytest.approx(0.5, abs=0.01)
    assert corrected_shares([108, 58, 41, 0], GENDER[:, :4])[0].covers(0.5)
    seven = corrected_shares([7, 0, 0, 0, 5], GENDER)[0]
    assert seven.value == pytest.approx(1, abs=1e-6)
    assert (seven.low or 1) < 0.8


def test_prompts_that_change_in_opposite_ways_are_no_change() -> None:
    rng, rejected = np.random.default_rng(0), 0
    for _ in range(100):
        change = rng.choice([-0.3, 0.3], 40)
        before = (rng.random((40, 25)) < 0.5).astype(float)
        after = (rng.random((40, 25)) < (0.5 + change)[:, None]).astype(float)
        test = sign_flip((after - before).ravel(), groups=np.repeat(np.arange(40), 25), draws=500)
        rejected += (test.p or 1) < 0.05
    assert rejected <= 11


def test_a_difference_may_be_negative() -> None:
    one = np.zeros(20)
    one[3] = 1
    up, down = clustered_mean(one, PROMPTS), clustered_mean(-one, PROMPTS)
    assert (up.low, up.high) == pytest.approx((-0.063, 0.163), abs=5e-4)
    assert (down.low, down.high) == pytest.approx((-0.163, 0.063), abs=5e-4)
    none = clustered_mean(np.zeros(20), PROMPTS)
    assert none.low == pytest.approx(-(none.high or 0))
    assert none.low < 0
    perfect = paired_change(np.zeros(20), np.ones(20), PROMPTS)
    assert (perfect.value, perfect.low) == (-1, -1)
    assert -1 < (perfect.high or 0) < 0


def test_two_subjects_say_little() -> None:
    two = associated([0.1, 0.2, 0.3, 0.5], [False, True, False, True], [0, 0, 1, 1])
    assert two.test.p == 0.5  # both subjects agree: 2 of 4 sign patterns
    assert two.raw.covers(0)
    assert not two.effect.estimable


def test_look_alikes_keep_their_case() -> None:
    assert normalise("an \u0399talian chef").text == "an Italian chef"


def test_few_prompts_have_no_interval_of_their_maximum() -> None:
    worst = expected_maximum([1, 1, 0, 0, 0, 0], range(6), 5)
    assert worst.value == pytest.approx(1)
    assert worst.low is None
    assert "too few" in worst.how


def test_copying_of_every_picture_may_be_less_in_other_prompts() -> None:
    held, prompts = np.random.default_rng(0).normal(size=300), np.repeat(np.arange(20), 10)
    copied = excess_replication(np.full(200, 10.0), held, prompts=prompts)
    assert copied.value == pytest.approx(1)
    assert copied.low == pytest.approx(0.86, abs=0.02)
