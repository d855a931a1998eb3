"""Where a walk from noise to picture stands."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch import Tensor

from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams

if TYPE_CHECKING:
    from limn.kernel.codec import Codec
    from limn.kernel.predictor import Encoder

_FLOOR = 1e-3


@dataclass(frozen=True, kw_only=True)
class Step:
    """One evaluation on a walk from noise to picture.

    Args:
        index: Which step of the walk, counted from 0.
        total: How many steps the walk has.
        x: Noisy state (pictures, ...).
        level: Noise level of ``x``.
        next: Noise level the walk goes to.
        clean: The clean state predicted at this step, once known (pictures, ...).
        primary: False for the extra evaluations of second-order samplers; memory is kept on primary ones only.
        memory: A guidance's own state, kept over the steps of one walk.
        streams: Random streams, one for each picture.
        encoder: The encoder of the stage, for guidances that look at words and tokens.
        codec: The codec of the stage, for guidances that look at the picture.
        picture: Which picture of the batch questions are being expanded for; ``None`` otherwise.
        space: The space answers stand in while they are combined: ``"clean"``, ``"noise"`` or ``"logits"``.
        prompts: What ``"main"`` asks, one for each picture; empty while questions are being expanded.
    """

    index: int
    total: int
    x: Tensor
    level: Level
    next: Level
    clean: Tensor | None = None
    primary: bool = True
    memory: MutableMapping[str, Any] = field(default_factory=dict)
    streams: Streams | None = None
    encoder: Encoder | None = None
    codec: Codec | None = None
    picture: int | None = None
    space: str = "clean"
    prompts: tuple[Prompt, ...] = ()

    @property
    def share(self) -> float:
        """How much of the walk is done before this step, in [0, 1)."""
        return self.index / self.total

    def to_noise(self, clean: Tensor) -> Tensor:
        """Return the noise that ``clean`` implies: (x - alpha * clean) / sigma.

        At pure noise alpha is taken as 0.001, so that :meth:`to_clean` can undo this for every answer.
        """
        return (self.x - max(self.level.alpha, _FLOOR) * clean) / self.level.sigma

    def to_clean(self, noise: Tensor) -> Tensor:
        """Return the clean state that ``noise`` implies: (x - sigma * noise) / alpha."""
        return (self.x - self.level.sigma * noise) / max(self.level.alpha, _FLOOR)
