"""Masked token models: they see some tokens of a picture and answer with logits for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit
from limn.kernel.codec import HIDDEN
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.networks.transformer import Transformer


@dataclass(frozen=True, kw_only=True, eq=False)
class Masked:
    """A transformer over tokens that sees all places at once (Chang et al. 2023, section 2.4).

    How much is hidden it sees for itself, so the level plays no part.

    Args:
        network: Its vocabulary is the tokens and, after them, the one that stands for a hidden token.
    """

    network: Transformer

    @property
    def space(self) -> str:
        """Answers are scores over tokens."""
        return "logits"

    @property
    def classes(self) -> int:
        """How many tokens there are."""
        return self.network.config.vocabulary - 1

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer."""
        return self.network.flops(len(x), conditioning.tokens.shape[1], x.shape[1])

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer rows of tokens (rows, tokens) with logits (rows, tokens, classes) in float32."""
        ids = torch.where(x == HIDDEN, self.classes, x)
        edits = edits if any(edit is not None for edit in edits) else ()
        answer = self.network(ids, None, conditioning.tokens, conditioning.mask, edits=edits)
        logits: Tensor = answer[..., : self.classes].float()
        return logits
