"""Parallel decoding: predict all hidden tokens at once, keep those the model is surest of, ask again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict
from limn.kernel.step import Step
from limn.samplers.decoding import Decoder, begin

_SLACK = 1e-6  # a count that is whole in exact arithmetic must not fall below it
_TINY = 1e-20


@dataclass(frozen=True, kw_only=True)
class Unmask(Decoder):
    """Decode in parallel (Chang et al. 2022, section 3.2; Chang et al. 2023, section 2.8).

    The model's schedule says which share stays hidden; at least one token is decided at each step, and a decided
    token is never hidden again. Confidences are float32 whatever the model's precision.

    Args:
        temperature: Of the distribution a token is drawn from; at 0 the likeliest is taken.
        top_k: Draw among this many of the likeliest tokens; 0 for all.
        top_p: Draw among the likeliest tokens whose shares together reach this; 1 for all.
        order_noise: Gumbel noise on the log confidences, which decide what is kept; falls to 0 on a line.
        keep: Keep the ``confident`` tokens, or ``random`` ones.
    """

    paper: ClassVar[str] = "chang2023muse"
    aliases: ClassVar[tuple[str, ...]] = ("maskgit",)

    order_noise: float = 2.0
    keep: Literal["confident", "random"] = "confident"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.order_noise <= 1000:
            raise InputError(f"sampler unmask: order_noise={self.order_noise} is not allowed; give 0 to 1000")

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says; tokens that ``start`` holds stay, and the levels share out the rest."""
        x, total = begin(start), len(levels) - 1
        asked = (x == HIDDEN).sum(1)
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=total, x=x, level=here, next=there, streams=streams)
            hidden = x == HIDDEN
            if not hidden.any():
                yield replace(step, clean=x)
                continue
            logits = predict(step)
            tokens = self.draw(logits, streams)
            clean = torch.where(hidden, tokens, x)
            left = torch.minimum((asked * there.time + _SLACK).floor().long(), hidden.sum(1) - 1).clamp(min=0)
            sure = self._confidence(logits, clean.clamp(min=0), index / max(total - 1, 1), streams)
            place = sure.masked_fill(~hidden, torch.inf).argsort(1).argsort(1)
            x = torch.where(place < left[:, None], HIDDEN, clean)
            yield replace(step, x=x, clean=clean)

    def _confidence(self, logits: Tensor, tokens: Tensor, done: float, streams: Streams) -> Tensor:
        """Return how much each drawn token is to be kept, (pictures, tokens) in float32."""
        chance = streams.uniform(tokens.shape[1:]).to(logits.device)
        gumbel = -(-chance.clamp(min=_TINY).log()).clamp(min=_TINY).log()
        if self.keep == "random":
            return gumbel
        shares = logits.float().softmax(-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
        return shares.clamp(min=_TINY).log() + self.order_noise * (1 - done) * gumbel
