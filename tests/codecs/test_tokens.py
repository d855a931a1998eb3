from __future__ import annotations

import torch
from torch import Tensor

from limn.codecs.tokens import Tokens
from limn.kernel.codec import HIDDEN


class Greys:
    """Each block of 2 pixels is a token: its grey level of four."""

    codes, factor = 4, 2

    def encode(self, image: Tensor) -> Tensor:
        return ((image[:, 0, ::2, ::2] + 1) * 1.5).round().long()

    def decode(self, ids: Tensor) -> Tensor:
        grey = ids[:, None] / 1.5 - 1
        return grey.repeat_interleave(2, 2).repeat_interleave(2, 3).expand(-1, 3, -1, -1)


def test_a_picture_is_a_row_of_tokens_line_by_line() -> None:
    codec = Tokens(Greys())
    assert (codec.multiple, codec.shape(8, 8)) == (2, (16,))
    state = torch.randint(4, (3, 16), generator=torch.Generator().manual_seed(0))
    pictures = codec.decode(state)
    assert pictures.shape == (3, 3, 8, 8)
    assert torch.equal(codec.encode(pictures), state)
    assert pictures[0, 0, 0, 2] == state[0, 1] / 1.5 - 1
    assert pictures[0, 0, 2, 0] == state[0, 4] / 1.5 - 1


def test_an_undecided_token_can_be_shown() -> None:
    codec = Tokens(Greys())
    assert (codec.decode(torch.full((1, 16), HIDDEN)) == -1).all()
