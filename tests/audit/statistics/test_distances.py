from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from limn.audit.statistics.distances import frechet, manifold, mean_distance, vendi

SEEDS = st.integers(0, 2**31)


def normal(seed: int, n: int, shift: float = 0.0, width: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, (n, width))


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.integers(2, 12), st.integers(1, 6))
def test_vendi_is_the_published_package(seed: int, n: int, width: int) -> None:
    package = pytest.importorskip("vendi_score.vendi")
    x = normal(seed, n, 0.5, width)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert vendi(x) == pytest.approx(package.score_dual(unit, normalize=False), rel=1e-6)
    assert 1 - 1e-9 <= vendi(x) <= min(n, width) + 1e-9
    assert vendi(x[::-1] * 3) == pytest.approx(vendi(x))
    assert vendi(np.vstack([x, x])) == pytest.approx(vendi(x))


def test_vendi_of_groups_is_their_number() -> None:
    assert vendi(np.repeat(np.eye(5), 7, 0)) == pytest.approx(5)
    assert np.isnan(vendi(np.empty((0, 3))))


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_mean_distance_is_the_mean_over_pairs(seed: int) -> None:
    x = normal(seed, 6)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    pairs = [1 - unit[i] @ unit[j] for i in range(6) for j in range(i)]
    assert mean_distance(x) == pytest.approx(np.mean(pairs))
    assert np.isnan(mean_distance(x[:1]))
    assert mean_distance(np.ones((3, 4))) == pytest.approx(0, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_frechet_is_its_formula(seed: int) -> None:
    x, y = normal(seed, 40), 1.5 * normal(seed + 1, 50, 0.5)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    wanted = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(s + t - 2 * np.real(sqrtm(s @ t)))
    assert frechet(x, y) == pytest.approx(wanted, rel=1e-6)
    assert frechet(y, x) == pytest.approx(wanted, rel=1e-6)
    assert frechet(x, x) == pytest.approx(0, abs=1e-6)
    assert frechet(x, x + 2) == pytest.approx(16, rel=1e-6)


def test_frechet_of_one_feature_and_of_too_few() -> None:
    x = normal(0, 30, width=1)
    assert frechet(x, 3 * x) == pytest.approx((2 * x.mean()) ** 2 + x.var(ddof=1) * 4)
    assert np.isnan(frechet(x, x[:1]))


@settings(max_examples=8, deadline=None)
@given(SEEDS, st.integers(1, 5), st.floats(0, 1))
def test_the_manifold_is_the_published_package(seed: int, neighbours: int, shift: float) -> None:
    package = pytest.importorskip("prdc")
    real, fake = normal(seed, 30), normal(seed + 1, 25, shift)
    wanted = package.compute_prdc(real, fake, neighbours)
    found = manifold(real, fake, neighbours=neighbours)
    for name, value in wanted.items():
        assert getattr(found, name) == pytest.approx(float(value))
        assert getattr(found, name) >= 0


def test_the_manifold_of_copies_and_of_strangers() -> None:
    real = normal(0, 50)
    same, apart = manifold(real, real), manifold(real, real + 100)
    assert (same.precision, same.recall, same.coverage) == (1, 1, 1)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    assert np.isnan(manifold(real, real[:5]).precision)
    holes = np.vstack([real, np.full((3, 4), np.nan)])
    assert manifold(holes, real) == same
