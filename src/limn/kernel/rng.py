"""One random stream per picture, so that a picture never depends on its neighbours in a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from limn.kernel.seeds import derived


class Streams:
    """Random streams of a batch, one for each picture, always drawn on the CPU in float32.

    A stream with seed s draws what ``torch.Generator().manual_seed(s)`` draws, so the first noise of a picture
    equals that of any tool that seeds one generator per picture.

    Args:
        seeds: One seed for each picture.

    >>> both = Streams([1, 2]).normal((3,))
    >>> bool((both[1:] == Streams([2]).normal((3,))).all())
    True
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = tuple(int(seed) for seed in seeds)
        self._generators = [torch.Generator().manual_seed(seed) for seed in self.seeds]

    def __len__(self) -> int:
        return len(self.seeds)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Draw standard normal noise (pictures, *shape), float32."""
        return torch.stack([torch.randn(tuple(shape), generator=each) for each in self._generators])

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Draw uniform numbers in [0, 1) as (pictures, *shape), float32."""
        return torch.stack([torch.rand(tuple(shape), generator=each) for each in self._generators])

    def choose(self, shares: Tensor) -> Tensor:
        """Draw one of the classes by their shares (pictures, ..., classes), on the CPU in float32.

        Returns:
            Class numbers (pictures, ...), on the device of ``shares``.
        """
        drawn = []
        for picture, generator in zip(shares.float().cpu(), self._generators, strict=True):
            rows = torch.multinomial(picture.flatten(0, -2), 1, generator=generator)
            drawn.append(rows.view(picture.shape[:-1]))
        return torch.stack(drawn).to(shares.device)

    def fork(self, purpose: str) -> Streams:
        """Return independent streams for another purpose; the same name gives the same streams.

        Args:
            purpose: For example the name of a later stage.
        """
        return Streams([derived(seed, purpose) for seed in self.seeds])
