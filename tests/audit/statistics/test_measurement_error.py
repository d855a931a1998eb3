from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from limn.audit.statistics.estimate import Estimate, Share
from limn.audit.statistics.measurement_error import bounds, corrected_mean, corrected_shares, rogan_gladen, unmix
from limn.audit.statistics.shares import wilson
from limn.kernel.errors import InputError


def corrected(k: int, n: int, se: int, sp: int, calibration: int = 200) -> Estimate:
    return rogan_gladen(k, n, right_positives=se, positives=calibration, right_negatives=sp, negatives=calibration)


def test_the_briefs_example_is_biased_before_and_right_after() -> None:
    # p = .8 read with se .85, sp .95 gives .69: a naive bias of -.11, corrected exactly.
    naive, found = wilson(276, 400), corrected(276, 400, 170, 190)
    assert naive.value == 0.69
    assert found.value == pytest.approx(0.8)
    assert not naive.covers(0.8)


def test_the_interval_is_the_delta_methods_when_samples_are_large() -> None:
    n, calibration, p, se, sp = 40_000, 20_000, 0.6, 0.85, 0.95
    q = p * se + (1 - p) * (1 - sp)
    found = corrected(round(q * n), n, round(se * calibration), round(sp * calibration), calibration)
    variance = q * (1 - q) / n + p**2 * se * (1 - se) / calibration + (1 - p) ** 2 * sp * (1 - sp) / calibration
    spread = 1.959964 * math.sqrt(variance) / (se + sp - 1)
    assert (found.low, found.high) == pytest.approx((p - spread, p + spread), abs=2e-4)


COUNTS = st.integers(0, 60)


@given(COUNTS, COUNTS, COUNTS)
def test_bounds_and_complement(k: int, se: int, sp: int) -> None:
    found, mirror = corrected(k, 60, se, sp, 60), corrected(60 - k, 60, sp, se, 60).scaled(-1, 1)
    if not found.estimable:
        assert se + sp <= 60 or "chance" in found.why
        assert not mirror.estimable
        return
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= (found.value or 0) <= found.high <= 1
    assert (found.value, found.low, found.high) == pytest.approx((mirror.value, mirror.low, mirror.high), abs=1e-9)


def test_what_cannot_be_corrected_says_so() -> None:
    assert corrected(0, 0, 100, 100).why == "nothing readable"
    assert "chance" in corrected(50, 100, 100, 100).why
    assert "chance" in corrected(50, 100, 20, 100).why
    found = rogan_gladen(1, 2, right_positives=0, positives=0, right_negatives=1, negatives=1)
    assert "calibrated" in found.why
    with pytest.raises(InputError, match="between 0 and n"):
        corrected(5, 4, 100, 100)


@pytest.mark.parametrize(("se", "sp"), [(0.85, 0.95), (0.7, 0.8)])
@pytest.mark.parametrize("p", [0.02, 0.5, 0.8])
def test_the_corrected_interval_covers(se: float, sp: float, p: float) -> None:
    rng = np.random.default_rng(int(100 * p))
    q = p * se + (1 - p) * (1 - sp)
    draws = zip(rng.binomial(400, q, 600), rng.binomial(200, se, 600), rng.binomial(200, sp, 600), strict=True)
    held = sum(corrected(int(k), 400, int(a), int(b)).covers(p) for k, a, b in draws) / 600
    assert 0.925 < held < 0.98


def test_an_exact_reader_changes_nothing() -> None:
    found = corrected_shares([20, 30, 50], np.eye(3) * 100, draws=400)
    assert [each.value for each in found] == pytest.approx([0.2, 0.3, 0.5])
    wide = wilson(30, 100)
    assert found[1].low == pytest.approx(wide.low, abs=0.03)
    assert found[1].high == pytest.approx(wide.high, abs=0.03)


def test_two_classes_are_rogan_gladen() -> None:
    found = corrected_shares([276, 124], [[170, 30], [10, 190]], draws=500)
    wanted = corrected(276, 400, 170, 190)
    assert found[0].value == pytest.approx(wanted.value)
    assert found[0].low == pytest.approx(wanted.low, abs=0.02)
    assert found[0].high == pytest.approx(wanted.high, abs=0.02)
    assert found[0].value == pytest.approx(1 - (found[1].value or 0))


def test_readings_may_include_unreadable() -> None:
    table = np.array([[80, 10, 10], [5, 55, 40]])
    truth = np.array([0.3, 0.7])
    found = corrected_shares(np.rint(10_000 * truth @ (table / 100)).astype(int).tolist(), table, draws=50)
    assert [each.value for each in found] == pytest.approx(truth, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_shares_are_the_constrained_least_squares(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates, readings = rng.dirichlet(np.ones(3), 3) * 0.4 + 0.6 * np.eye(3), rng.dirichlet(np.ones(3) * 0.3)
    found = unmix(readings, rates)
    wanted = minimize(
        lambda p: ((rates.T @ p - readings) ** 2).sum(),
        np.full(3, 1 / 3),
        bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert found == pytest.approx(wanted.x, abs=2e-4)
    assert found.sum() == pytest.approx(1)
    order = rng.permutation(3)
    assert unmix(readings, rates[order]) == pytest.approx(found[order], abs=1e-6)


def test_a_confusion_that_cannot_be_inverted_is_not() -> None:
    assert "apart" in corrected_shares([3, 4], [[5, 5], [7, 7]])[0].why
    assert "no calibration" in corrected_shares([3, 4], [[5, 5], [0, 0]])[0].why
    assert "nothing readable" in corrected_shares([0, 0], [[5, 1], [0, 3]])[1].why
    with pytest.raises(InputError, match="confusion must be"):
        corrected_shares([3, 4], [[1, 2, 3], [1, 2, 3]])


def test_three_classes_cover() -> None:
    rng = np.random.default_rng(3)
    rates, truth = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.05, 0.1, 0.85]]), np.array([0.6, 0.3, 0.1])
    held = np.zeros(3)
    for seed in range(60):
        table = np.array([rng.multinomial(150, row) for row in rates])
        found = corrected_shares(rng.multinomial(300, truth @ rates).tolist(), table, draws=100, seed=seed)
        held += [each.covers(p) for each, p in zip(found, truth, strict=True)]
    assert (held >= 0.86 * 60).all()


GENDER = np.array([[184, 1, 3, 0, 17], [1, 162, 12, 0, 39], [2, 14, 181, 0, 49], [1, 1, 0, 672, 15]])


def test_unreadable_is_not_a_reading() -> None:
    # 400 pictures of truth .5, .3, .2, of which 40 % more cannot be read than of the calibration pictures.
    found = corrected_shares([108, 58, 41, 0, 193], GENDER)
    assert [each.value for each in found[:3]] == pytest.approx([0.5, 0.3, 0.2], abs=0.01)
    seven = corrected_shares([7, 0, 0, 0, 5], GENDER)[0]
    assert seven.value == 1
    assert 0.4 < (seven.low or 0) < 0.8
    assert "nothing readable" in corrected_shares([0, 0, 0, 0, 9], GENDER)[0].why


@pytest.mark.parametrize("extra", [0.2, 0.4])
def test_more_unreadable_than_calibrated_covers(extra: float) -> None:
    rng, truth, rates = np.random.default_rng(5), np.array([0.5, 0.3, 0.2, 0]), GENDER / GENDER.sum(1, keepdims=True)
    drawn, held = rates.copy(), np.zeros(4)
    drawn[:, :4] *= 1 - extra
    drawn[:, 4] = 1 - drawn[:, :4].sum(1)
    for seed in range(40):
        table = np.stack([rng.multinomial(50, row) for row in rates])
        found = corrected_shares(rng.multinomial(200, truth @ drawn), table, draws=200, seed=seed)
        held += [each.covers(p) for each, p in zip(found, truth, strict=True)]
    assert held[:3].mean() / 40 > 0.88
    assert held[3] == 40


def test_what_cannot_be_known_is_bounded() -> None:
    assert bounds(Share(0.5, 0.4, 0.6), 60, 100) == pytest.approx((0.3, 0.7))
    assert bounds(Share(0.5, 0.4, 0.6), 100, 100) == pytest.approx((0.5, 0.5))
    assert bounds(Share.none("nothing readable"), 0, 10) is None


@pytest.mark.slow
def test_the_calibration_sample_goes_into_the_mean_over_concepts() -> None:
    rng, rates, held, alone = np.random.default_rng(6), GENDER / GENDER.sum(1, keepdims=True), 0, 0
    for seed in range(60):
        table = np.stack([rng.multinomial(50, row) for row in rates])
        women = rng.beta(40, 60, 30)
        truth = np.stack([women, (1 - women) * 0.6, (1 - women) * 0.4, 0 * women], 1)
        counts = np.stack([rng.multinomial(200, row @ rates) for row in truth])
        found = corrected_mean(counts, table, 0, draws=40, seed=seed)
        single = corrected_mean(counts, table, 0, draws=1, seed=seed)  # one draw has no spread: as if it were known
        held, alone = held + found.covers(0.4), alone + single.covers(0.4)
    assert held >= 53
    assert alone < held


def test_a_mean_over_concepts_is_of_differences_with_their_sides() -> None:
    exact, counts = np.eye(2) * 10_000, [[30, 70], [50, 50], [80, 20]]
    found = corrected_mean(counts, exact, 0, against=[0.2, 0.6, 0.7], signs=[1, -1, 1])
    assert found.value == pytest.approx(0.1, abs=1e-6)
    assert "two concepts" in corrected_mean([[3, 4], [0, 0]], exact, 0).why
