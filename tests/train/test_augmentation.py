"""What pictures look like that a generator has drawn: moved, softened, in pieces."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limn.train.augmentation import jittered, shuffled_patches


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_broken_pictures_keep_their_pixels_and_pieces_their_neighbours(pieces: int) -> None:
    states = torch.arange(5.0)[:, None, None, None] + torch.linspace(0, 0.5, 3 * 64).view(1, 3, 8, 8)
    made = shuffled_patches(states, np.random.default_rng(0), pieces)
    assert made.shape == states.shape
    assert torch.equal(made.flatten().sort().values, states.flatten().sort().values)
    side = 8 // pieces
    cut = made.unfold(2, side, side).unfold(3, side, side).floor()
    assert torch.equal(cut, cut[:, :1, :, :, :1, :1].expand_as(cut)), "each piece is of one picture"


def test_softening_keeps_plain_pictures_and_what_is_not_chosen() -> None:
    plain = torch.linspace(-1, 1, 4)[:, None, None, None].expand(4, 3, 16, 16).contiguous()
    assert torch.allclose(jittered(plain, np.random.default_rng(0), 1.0), plain, atol=1e-6)
    x = torch.rand(6, 3, 16, 16) * 2 - 1
    assert torch.allclose(jittered(x, np.random.default_rng(0), 0.0), x, atol=1e-4)
    assert not torch.allclose(jittered(x, np.random.default_rng(0), 1.0), x, atol=1e-1)
