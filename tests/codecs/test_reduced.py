from __future__ import annotations

import torch

from limn.codecs.pixels import Pixels
from limn.codecs.reduced import Reduced
from limn.testing import check_codec


def test_it_is_a_codec_of_small_pictures() -> None:
    codec = Reduced(codec=Pixels(multiple=2), factor=4)
    check_codec(codec)
    assert (codec.multiple, codec.shape(64, 32)) == (8, (3, 16, 8))
    even = torch.full((1, 3, 8, 8), 0.25)
    torch.testing.assert_close(codec.decode(codec.encode(even)), even)
    assert codec.small(codec.encode(even)).shape == (1, 3, 2, 2)
