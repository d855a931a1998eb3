"""Sheets: where pictures lie, and how near they are to what they should be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limn.train.sheet import beside, grid, pixels, psnr


def test_the_ratio_has_a_closed_form() -> None:
    true = np.full((3, 4, 4, 3), 100, np.uint8)
    found = true.copy()
    found[1] += 10
    found[2, :2] += 10
    expected = [99.0, 10 * np.log10(255**2 / 100), 10 * np.log10(255**2 / 50)]
    assert psnr(found, true) == pytest.approx(expected)


def test_versions_lie_below_each_other() -> None:
    """Row by row; what is missing in the last row is white."""
    one = np.arange(1, 4, dtype=np.uint8)[:, None, None, None].repeat(3, -1)
    sheet = beside(one, 10 * one, columns=2)
    assert sheet[..., 0].tolist() == [[1, 2], [10, 20], [3, 255], [30, 255]]
    assert grid(one, 4)[..., 1].tolist() == [[1, 2, 3, 255]]


def test_states_become_bytes() -> None:
    states = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    assert pixels(states)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
