from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import limn.audit.nearest as module
from limn.audit.nearest import nearest
from limn.kernel.errors import InputError

needs_lancedb = pytest.mark.skipif(importlib.util.find_spec("lancedb") is None, reason="lancedb is not installed")


def vectors(seed: int, rows: int, width: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


@given(st.integers(0, 10_000), st.integers(1, 300), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_every_neighbour_is_found(seed: int, queries: int, base: int, most: int) -> None:
    one, two, most = vectors(seed, queries), vectors(seed + 1, base), min(most, base)
    found = nearest(one, two, most=most)
    far = np.linalg.norm(one[:, None].astype(float) - two[None], axis=2)
    assert np.allclose(found.distances, np.sort(far, 1)[:, :most], atol=1e-6)
    assert np.array_equal(found.places, np.argsort(far, 1, kind="stable")[:, :most])


@needs_lancedb
@pytest.mark.slow
def test_lancedb_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = vectors(0, 12), np.concatenate([vectors(1, 150), vectors(0, 12) + 1e-4])
    memory, disk = (nearest(one, two, most=5, engine=engine) for engine in ("memory", "lancedb"))
    assert np.array_equal(memory.places, disk.places)
    assert np.allclose(memory.distances, disk.distances, atol=1e-9)
    monkeypatch.setattr(module, "LARGE", 10)
    assert np.array_equal(nearest(one, two, most=5).places, memory.places)


def test_a_missing_lancedb_is_named_and_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(module, "LARGE", 1)
    assert nearest(vectors(0, 2), vectors(1, 3)).places.shape == (2, 1)
    with pytest.raises(InputError, match="not installed"):
        nearest(vectors(0, 2), vectors(1, 3), engine="lancedb")


def test_what_is_the_same_is_at_distance_0() -> None:
    base = vectors(0, 30)
    found = nearest(base[::-1].copy(), base)
    assert (found.distances == 0).all()
    assert np.array_equal(found.places[:, 0], np.arange(30)[::-1])


def test_equally_near_ones_keep_their_order() -> None:
    base = np.zeros((4, 3), np.float32)
    assert nearest(base[:1], base, most=4).places.tolist() == [[0, 1, 2, 3]]


def test_nothing_to_look_for() -> None:
    assert nearest(np.zeros((0, 3), np.float32), vectors(0, 4, 3)).places.shape == (0, 1)


@pytest.mark.parametrize("most", [0, 5])
def test_what_cannot_be_searched_is_named(most: int) -> None:
    with pytest.raises(InputError, match="most"):
        nearest(vectors(0, 2), vectors(1, 4), most=most)
    with pytest.raises(InputError, match="same features"):
        nearest(vectors(0, 2, 3), vectors(1, 4))
