"""What the samplers of token models share: levels, where a walk starts, and how a token is drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.kernel import registry
from limn.kernel.codec import HIDDEN
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler

Shape = Literal["cosine", "linear"]


@dataclass(frozen=True, kw_only=True)
class Masking:
    """Levels of a masked token model; ``sigma`` and ``time`` are the share of tokens that is hidden.

    Args:
        shape: How the share falls from 1 to 0: as a cosine (Chang et al. 2022) or on a line.
    """

    one_by_one: ClassVar[bool] = False

    shape: Shape = "cosine"

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels from all tokens hidden to none.

        Raises:
            InputError: The sampler does not work on tokens, a spacing is named, or there is no step.
        """
        if sampler.space != "logits":
            name = registry.name_of(sampler)
            raise InputError(f"sampler {name}: works on noise, this model draws tokens; use unmask or next_token")
        if getattr(sampler, "one_by_one", self.one_by_one) != self.one_by_one:
            ways = ("all tokens together", "token by token")
            raise InputError(
                f"sampler {registry.name_of(sampler)}: draws {ways[not self.one_by_one]}, this model "
                f"{ways[self.one_by_one]}; leave it out"
            )
        if spacing:
            raise InputError("spacing: this model draws tokens, which have no noise levels; leave it out")
        if steps < 1:
            raise InputError(f"steps: {steps} is not allowed; give at least 1")
        shares = [hidden_share(k / steps, self.shape) for k in range(steps + 1)]
        return tuple(Level(1 - share, share, share) for share in shares)

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return 1: noise plays no part in where a walk over tokens starts."""
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Raster(Masking):
    """Levels of an autoregressive token model: one token more is decided at each.

    Args:
        tokens: Tokens of a picture.
        shape: How the share of tokens that is not decided falls: on a line.
    """

    one_by_one: ClassVar[bool] = True

    tokens: int
    shape: Shape = "linear"

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return a level for each number of decided tokens.

        Raises:
            InputError: As :meth:`Masking.levels`, or the steps are not as many as the tokens.
        """
        levels = super().levels(steps, sampler, spacing)
        if steps != self.tokens:
            raise InputError(f"steps: {steps} is not allowed; this model takes {self.tokens}, one for each token")
        return levels


def hidden_share(done: float, shape: Shape = "cosine") -> float:
    """Return the share of tokens that is still hidden when a share of the walk is done.

    >>> round(hidden_share(2 / 3), 9), hidden_share(1), hidden_share(0.25, "linear")
    (0.5, 0.0, 0.75)
    """
    return max(0.0, math.cos(math.pi / 2 * done)) * (done < 1) if shape == "cosine" else 1 - done


def begin(start: Tensor) -> Tensor:
    """Return where a walk starts: the tokens given (pictures, tokens), or all hidden when noise is given."""
    if start.is_floating_point():
        return torch.full(start.shape, HIDDEN, device=start.device)
    return start


@dataclass(frozen=True, kw_only=True)
class Decoder(Sampler):
    """Base of samplers of tokens; ``one_by_one`` says whether it asks for the next token only.

    Args:
        temperature: Of the distribution a token is drawn from; at 0 the likeliest is taken.
        top_k: Draw among this many of the likeliest tokens; 0 for all.
        top_p: Draw among the likeliest tokens whose shares together reach this; 1 for all.
    """

    space: ClassVar[str] = "logits"
    one_by_one: ClassVar[bool] = False

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        name = registry.name_of(self)
        for option, most in (("temperature", 100), ("top_k", 2**17)):
            value = getattr(self, option)
            if not 0 <= value <= most:
                raise InputError(f"sampler {name}: {option}={value} is not allowed; give one from 0 to {most}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"sampler {name}: top_p={self.top_p} is not allowed; give a number above 0 and up to 1")

    def draw(self, logits: Tensor, streams: Streams) -> Tensor:
        """Draw a token for each place.

        Args:
            logits: (pictures, places, classes).
            streams: One random stream for each picture.

        Returns:
            Token ids (pictures, places); -1 in pictures whose logits are not numbers.
        """
        logits = logits.float()
        broken = logits.isnan().flatten(1).any(1)
        if broken.any():
            logits = logits.masked_fill(broken[:, None, None], 0.0)
        if self.temperature == 0 or self.top_k == 1:
            return logits.argmax(-1).masked_fill(broken[:, None], HIDDEN)
        logits = logits / self.temperature
        if 0 < self.top_k < logits.shape[-1]:
            best = logits.topk(self.top_k, dim=-1)
            logits = torch.full_like(logits, -torch.inf).scatter(-1, best.indices, best.values)
        shares = logits.softmax(-1)
        if self.top_p < 1:
            ranked, places = shares.sort(-1, descending=True)
            before = ranked.cumsum(-1) - ranked
            shares = torch.zeros_like(shares).scatter(-1, places, ranked.where(before < self.top_p, 0))
        return streams.choose(shares).masked_fill(broken[:, None], HIDDEN)
