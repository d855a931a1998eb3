from __future__ import annotations

import numpy as np

from limn.audit.features import GRID, features


def test_grid_means_and_any_size() -> None:
    white, black = np.full((32, 64, 3), 255, np.uint8), np.zeros((17, 40, 3), np.uint8)
    mixed = features([white, black])
    assert mixed.shape == (2, 3 * GRID * GRID)
    assert np.allclose(mixed[0], 0.5)
    assert np.allclose(mixed[1], -0.5)
    assert features([]).shape == (0, 3 * GRID * GRID)


def test_equal_sizes_are_as_one_by_one() -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8))
    together = features(pictures)
    assert np.allclose(together[1:2], features([pictures[1], np.zeros((17, 17, 3), np.uint8)])[:1])


def test_an_encoder_gives_unit_vectors() -> None:
    rows = features([np.full((64, 64, 3), 200, np.uint8)], "judge_b")
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
