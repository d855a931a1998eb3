"""Tokens from words, one after another, each learned from those before it (Yu et al. 2022, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.networks.transformer import Transformer
from limn.predictors import autoregressive
from limn.samplers.decoding import Raster
from limn.samplers.next_token import NextToken
from limn.train.recipe import within
from limn.train.tasks.generator import Drawing
from limn.train.tasks.masked import Logits, Masked


@dataclass(frozen=True, kw_only=True)
class Continuing(Drawing):
    """What an autoregressive model minimises.

    Args:
        forget: Largest share of the earlier tokens that it does not see, drawn anew for each picture; without it a
            small set of pictures is learned by heart.
    """

    forget: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", forget=(0, 1))


def next_loss(network: Logits, ids: Tensor, classes: int, forgotten: Tensor | None = None) -> Tensor:
    """Cross-entropy of each token given those before it, in nats; the first one follows the token ``classes``.

    Args:
        network: Sees ``classes`` in the place of a forgotten token.
        ids: Tokens (rows, tokens).
        classes: How many tokens there are.
        forgotten: Which tokens the later ones do not see (rows, tokens); all are seen if None.
    """
    shown = ids if forgotten is None else ids.masked_fill(forgotten, classes)
    logits = network(F.pad(shown[:, :-1], (1, 0), value=classes))[..., :classes]
    return F.cross_entropy(logits.flatten(0, 1).float(), ids.flatten())


class Autoregressive(Masked):
    """Learning to draw tokens in raster order."""

    paper = "yu2022parti"
    family = "parti"
    kind = "A text-to-image model that draws token after token (after Parti)"
    learned = "cross-entropy of next tokens"
    causal = True
    Objective = Continuing
    objective: Continuing

    def cross_entropy(self, network: Logits, ids: Tensor, generator: torch.Generator, training: bool) -> Tensor:
        """Return what is minimised of tokens (rows, tokens); in training, later ones do not see all earlier ones."""
        forgotten = None
        if training:
            share = torch.rand(len(ids), 1, generator=generator) * self.objective.forget
            forgotten = (torch.rand(ids.shape, generator=generator) < share).to(ids.device)
        return next_loss(network, ids, self.tokenizer.codes, forgotten)

    def walk(self, network: Transformer, steps: int) -> tuple[Any, Any, Any]:
        """Return the predictor, the sampler and its levels with which tokens are drawn."""
        tokens, sampler = network.config.side**2, NextToken()
        predictor = autoregressive.Autoregressive(network=network)
        return predictor, sampler, Raster(tokens=tokens).levels(tokens, sampler)
