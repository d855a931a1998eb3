"""Autoregressive decoding: one token after another, each drawn given all before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.codec import HIDDEN
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict
from limn.kernel.step import Step
from limn.samplers.decoding import Decoder, begin


@dataclass(frozen=True, kw_only=True)
class NextToken(Decoder):
    """Decode token by token, line by line (Yu et al. 2022, section 2.2).

    Args:
        temperature: Of the distribution a token is drawn from; at 0 the likeliest is taken.
        top_k: Draw among this many of the likeliest tokens; 0 for all.
        top_p: Draw among the likeliest tokens whose shares together reach this; 1 for all.
    """

    paper: ClassVar[str] = "yu2022parti"
    aliases: ClassVar[tuple[str, ...]] = ("autoregressive",)
    one_by_one: ClassVar[bool] = True

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        """Walk as :meth:`Sampler.walk` says; ``predict`` answers with the logits of the first undecided token."""
        given, x = begin(start), torch.full(start.shape, HIDDEN, device=start.device)
        broken = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=len(levels) - 1, x=x, level=here, next=there, streams=streams)
            known, x = given[:, index], x.clone()
            if (known == HIDDEN).any():
                drawn = self.draw(predict(step), streams)
                known = torch.where(known == HIDDEN, drawn[:, 0], known)
                broken |= known == HIDDEN
            x[:, index] = known.clamp(min=0)  # the others of the batch go on
            if index == len(levels) - 2:
                x[broken] = HIDDEN
            yield replace(step, x=x, clean=x)
