"""The codec that changes nothing."""

from __future__ import annotations

import torch

from limn.codecs.pixels import Pixels


def test_pictures_are_their_own_states() -> None:
    codec, image = Pixels(multiple=4), torch.rand(2, 3, 8, 12)
    assert codec.multiple == 4
    assert codec.shape(8, 12) == image.shape[1:]
    assert codec.encode(image) is image
    assert codec.decode(image) is image
