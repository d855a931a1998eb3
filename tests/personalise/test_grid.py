"""SINE's grid: identities that hold for any size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lessons
from limn.personalise.denoising import WHOLE
from limn.personalise.grid import WIDTH, Grid, part


@pytest.mark.parametrize("size", [(8, 8), (12, 16), (3, 5)])
def test_two_half_boxes_tile_the_whole_grid(size: tuple[int, int]) -> None:
    height, width = size
    whole = part(WHOLE, height, 2 * width)
    halves = [part(box, height, width) for box in ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0))]
    torch.testing.assert_close(torch.cat(halves, 1), whole, rtol=0, atol=1e-5)
    rows = [part(box, height, width) for box in ((0.0, 0.0, 1.0, 0.5), (0.0, 0.5, 1.0, 1.0))]
    torch.testing.assert_close(torch.cat(rows), part(WHOLE, 2 * height, width), rtol=0, atol=1e-5)


def test_a_full_box_is_no_box_and_rows_without_it_are_as_they_were(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    network = generator.main.predictor.network.module  # type: ignore[attr-defined]
    mix = torch.randn(network.config.width, WIDTH, generator=torch.Generator().manual_seed(0))
    grid, layer = Grid(network, mix), network.embed
    state = torch.randn(3, 4, 4, layer.in_features)
    plain = layer(state)
    with grid.on(None):
        without = layer(state)
    with grid.hooked(None, [WHOLE] * 3):
        full = layer(state)
    assert torch.equal(without, full)
    torch.testing.assert_close(full - plain, (part(WHOLE, 4, 4) @ mix.T).expand_as(plain), rtol=0, atol=1e-5)
    with grid.among([1]):
        one = layer(state)
    assert torch.equal(one[[0, 2]], plain[[0, 2]])
    torch.testing.assert_close(one[1], full[1])
