from __future__ import annotations

import numpy as np
import pytest

from limn.audit.features import CELLS, extractor, features, similarity
from limn.audit.nearest import nearest
from limn.kernel.errors import InputError


def test_grid_means_and_any_size() -> None:
    white, black = np.full((32, 64, 3), 255, np.uint8), np.zeros((17, 40, 3), np.uint8)
    mixed = features([white, black])
    assert mixed.shape == (2, 3 * CELLS * CELLS)
    assert np.allclose(mixed[0], 0.5)
    assert np.allclose(mixed[1], -0.5)
    assert features([]).shape == (0, 3 * CELLS * CELLS)


def test_equal_sizes_are_as_one_by_one() -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8))
    together = features(pictures)
    assert np.allclose(together[1:2], features([pictures[1], np.zeros((17, 17, 3), np.uint8)])[:1])


def test_an_encoder_gives_unit_vectors() -> None:
    rows = features([np.full((64, 64, 3), 200, np.uint8)], "judge_b")
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_pixels_are_measured_as_root_mean_square() -> None:
    black, grey = np.zeros((2, 8, 8, 3), np.uint8)
    grey = grey + 51
    one, two = features([black], "pixels"), features([grey.astype(np.uint8)], "pixels")
    far = nearest(one, two).distances
    assert far == pytest.approx(0.2)
    assert similarity(far) == pytest.approx(0.8)
    assert similarity(np.array([0.0, 2**0.5]), "judge_b") == pytest.approx([1, 0])


def test_pixels_of_different_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="different sizes"):
        features([np.zeros((2, 2, 3), np.uint8), np.zeros((3, 2, 3), np.uint8)], "pixels")
    assert features([], "pixels").shape == (0, 1)


@pytest.mark.parametrize("name", ["", "grid", "pixels", "judge_b"])
def test_every_extractor_has_one_protocol(name: str) -> None:
    one = extractor(name)
    assert one.name == (name or "grid")
    assert len(one.weights) == (64 if name == "judge_b" else 0)
    assert len(one.images([np.zeros((32, 32, 3), np.uint8)] * 2)) == 2
