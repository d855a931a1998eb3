"""A walk that is about to begin: who walks, over which levels, who answers. An edit may change it before it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Walk:
    """What is needed to walk a batch from noise to state.

    Args:
        sampler: Who walks.
        predict: Answers a step with the guided clean state.
        levels: One more than there are steps.
        streams: One random stream for each picture.
        noise: Gives unit noise (pictures, *state) to start from; drawn from the streams when it is called.
        scale: Factor from unit noise to the state at the first level.
        plain: Gives what answers other words about the batch's first picture, unguided.
    """

    sampler: Sampler
    predict: Predict
    levels: Sequence[Level]
    streams: Streams
    noise: Callable[[], Tensor]
    scale: float
    plain: Callable[[Prompt], Predict]

    def __call__(self, start: Tensor | None = None) -> Iterator[Step]:
        """Walk; see :meth:`limn.kernel.sampler.Sampler.walk`.

        Args:
            start: State at the first level (pictures, *state); noise if None.
        """
        if start is None:
            start = self.noise()
            start = start * self.scale if start.is_floating_point() else start
        return self.sampler.walk(self.predict, start, self.levels, self.streams)
