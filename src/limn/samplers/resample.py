"""Editing without a mask: hide a few tokens at random, draw them anew from other words, and go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict
from limn.kernel.step import Step
from limn.samplers.decoding import Decoder, begin


@dataclass(frozen=True, kw_only=True)
class Resample(Decoder):
    """Resample a few tokens a step from a picture's own (Chang et al. 2023, section 3.4); stop at any step.

    Args:
        share: Share of the tokens that is hidden and drawn anew at each step, at least one token.
        temperature: Of the distribution a token is drawn from; at 0 the likeliest is taken.
        top_k: Draw among this many of the likeliest tokens; 0 for all.
        top_p: Draw among the likeliest tokens whose shares together reach this; 1 for all.
    """

    paper: ClassVar[str] = "chang2023muse"

    share: float = 0.08
    top_k: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1:
            raise InputError(f"sampler resample: share={self.share} is not allowed; give one above 0 and up to 1")

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says; tokens that ``start`` lacks are drawn in the first step."""
        x, total = begin(start), len(levels) - 1
        count = max(1, round(self.share * x.shape[1]))
        level = Level(1 - self.share, self.share, self.share)
        for index, (_, there) in enumerate(pairwise(levels)):
            order = streams.uniform(x.shape[1:]).to(x.device).argsort(1).argsort(1)
            step = Step(
                index=index, total=total, x=torch.where(order < count, HIDDEN, x), level=level, next=there,
                streams=streams,
            )  # fmt: skip
            tokens = self.draw(predict(step), streams)
            x = torch.where(step.x == HIDDEN, tokens, x)
            yield replace(step, x=x, clean=x)
