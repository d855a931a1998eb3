"""SINE's coordinate grid: which part of the whole picture a network sees (Zhang et al. 2023, section 3.3).

A fixed table of sines and cosines of row and column stands for the whole picture. The part that a box cuts out is
scaled to the size of the state and added after the first layer, through a matrix that is zero at first, so that an
untouched model is not disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.kernel.errors import InputError, WeightsError
from limn.networks.transformer import places
from limn.personalise.denoising import WHOLE, Box
from limn.personalise.learned import Learned
from limn.personalise.trainable import Trainable

SIDE, WIDTH = 128, 64  # cells along a side of the table, and numbers of each
MIX = "grid.mix"
"""The name of the matrix in files."""


def part(box: Box, height: int, width: int) -> Tensor:
    """Return the grid of a part of the picture at the size of a state.

    Args:
        box: Which part; a whole box is the same as none.
        height: Cells of the state.
        width: Likewise.

    Returns:
        (height, width, WIDTH): bilinear samples of the table, at the middles of the state's cells.
    """
    left, top, right, bottom = box
    rows = top + (bottom - top) * (torch.arange(height) + 0.5) / height
    columns = left + (right - left) * (torch.arange(width) + 0.5) / width
    where = torch.stack(torch.meshgrid(columns * 2 - 1, rows * 2 - 1, indexing="xy"), 2)
    table = places(SIDE, WIDTH).permute(2, 0, 1)
    return F.grid_sample(table[None], where[None], padding_mode="border", align_corners=False)[0].permute(1, 2, 0)


class Grid:
    """The grid behind the first layer of a network; see :class:`limn.kernel.adapter.RowAdapter`.

    Args:
        network: A U-Net of diffusers, or limn's transformer.
        mix: From the grid's numbers to the layer's channels (channels, WIDTH).

    Raises:
        InputError: The network has no first layer of a name that is known.
        WeightsError: The matrix does not fit it.
    """

    def __init__(self, network: nn.Module, mix: Tensor) -> None:
        self.layer, self.mix = first_layer(network), mix
        wanted = (self.layer.weight.shape[0], WIDTH)
        if tuple(mix.shape) != wanted:
            raise WeightsError(f"{MIX}: has shape {tuple(mix.shape)}, not {wanted}; it was learned on another model")

    @contextmanager
    def on(self, predictor: Any) -> Iterator[Any]:
        """Let all rows of every forward have the grid of the whole picture."""
        with self.hooked(None):
            yield predictor

    @contextmanager
    def among(self, rows: Sequence[int]) -> Iterator[None]:
        """Let these rows of every forward have the grid of the whole picture, and no others."""
        with self.hooked(rows):
            yield

    @contextmanager
    def hooked(self, rows: Sequence[int] | None, boxes: Sequence[Box] = ()) -> Iterator[None]:
        """Let rows have the grids of boxes, or of the whole picture."""

        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            deep = isinstance(layer, nn.Conv2d)
            height, width = output.shape[2:] if deep else output.shape[1:3]
            grids = torch.stack([part(box, height, width) for box in boxes or (WHOLE,)]).to(output)
            added = F.linear(grids, self.mix.to(output))
            added = added.permute(0, 3, 1, 2) if deep else added
            if rows is None:
                return output + added
            index = torch.as_tensor(list(rows), device=output.device)
            return output.index_add(0, index, added.expand(len(rows), *added.shape[1:]))

        handle = self.layer.register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()


class TrainableGrid(Trainable):
    """The matrix behind the grid, zero at first.

    Args:
        network: Frozen.
    """

    def __init__(self, network: nn.Module) -> None:
        layer = first_layer(network)
        mix = nn.Parameter(torch.zeros(layer.weight.shape[0], WIDTH, device=layer.weight.device))
        super().__init__({MIX: mix})
        self.grid = Grid(network, mix)

    @contextmanager
    def on(self, boxes: Sequence[Box] = ()) -> Iterator[None]:
        """Let all rows have the grids of their boxes."""
        with self.grid.hooked(None, boxes):
            yield

    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Return the matrix."""
        return Learned(extra={MIX: tensors[MIX]})


def first_layer(network: nn.Module) -> nn.Conv2d | nn.Linear:
    """Return the layer that reads the state."""
    for name in ("conv_in", "embed"):
        layer = getattr(network, name, None)
        if isinstance(layer, nn.Conv2d | nn.Linear):
            return layer
    raise InputError(f"sine: {type(network).__name__} has no first layer that limn knows; use another model")
