"""What is known of a picture, as a network is told."""

from __future__ import annotations

import torch

from limn.kernel.codec import Codec
from limn.kernel.known import known, nothing_known, touched


class Means(Codec):
    """Each cell of 4 pixels is their mean."""

    multiple = 4

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        return (3, height // 4, width // 4)

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(image, 4)

    def decode(self, state: torch.Tensor) -> torch.Tensor:
        return state.repeat_interleave(4, 2).repeat_interleave(4, 3)


def test_what_is_known_says_nothing_of_what_is_not() -> None:
    inside = torch.zeros(1, 8, 12, dtype=torch.bool)
    inside[0, 1:4, 3:5] = True
    image = torch.ones(1, 3, 8, 12)
    told = known(Means(), image, inside)
    assert told[0, 0].tolist() == [[0, 0, 1], [1, 1, 1]]
    assert told[0, 1].tolist() == [[1 - 3 / 16, 1 - 3 / 16, 1], [1, 1, 1]]
    other = torch.where(inside[:, None], -image, image)
    assert torch.equal(known(Means(), other, inside), told)
    assert not nothing_known(Means(), (8, 12), "cpu").any()


def test_a_cell_is_touched_by_a_single_pixel() -> None:
    inside = torch.zeros(2, 8, 8, dtype=torch.bool)
    inside[1, 7, 0] = True
    assert touched(inside, 2).flatten(1).int().tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]
