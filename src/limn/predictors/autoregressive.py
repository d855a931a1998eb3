"""Autoregressive token models: they see the tokens so far and answer with logits for the next one."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.attention import AttentionEdit
from limn.kernel.codec import HIDDEN
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning
from limn.networks.transformer import Transformer
from limn.networks.trunk import Cache


@dataclass(frozen=True)
class _Seen:
    """What a batch of rows has been asked before: its tokens, its edits, and their keys and values."""

    ids: Tensor
    edits: tuple[AttentionEdit | None, ...]
    cache: Cache


@dataclass(frozen=True, kw_only=True, eq=False)
class Autoregressive:
    """A causal transformer over tokens, line by line (Yu et al. 2022, section 2.2).

    Keys and values of earlier tokens are kept for every row, so for all branches of all guidances. They belong to
    the rows' conditioning and are used only while the tokens go on from those seen; otherwise the rows are read
    anew, so the answer never depends on what was asked before.

    Args:
        network: Causal; its vocabulary is the tokens and, after them, the one that starts a picture.
        cached: Whether keys and values are kept.
    """

    network: Transformer
    cached: bool = True
    _seen: MutableMapping[Conditioning, _Seen] = field(default_factory=WeakKeyDictionary, repr=False)

    @property
    def space(self) -> str:
        """Answers are scores over tokens."""
        return "logits"

    @property
    def classes(self) -> int:
        """How many tokens there are."""
        return self.network.config.vocabulary - 1

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer, when the tokens go on from those seen before."""
        known, words = _known(x), conditioning.tokens.shape[1]
        if self.cached and known:
            return self.network.flops(len(x), words, 1, seen=words + known)
        return self.network.flops(len(x), words, known + 1)

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer rows of tokens (rows, tokens) with logits (rows, 1, classes) of the first undecided one."""
        ids = F.pad(x[:, : _known(x)], (1, 0), value=self.classes)
        seen = self._seen.get(conditioning) if self.cached else None
        if seen is None or not _goes_on(seen, ids, edits):
            seen = _Seen(ids[:, :0], tuple(edits), Cache())
        active = edits if any(edit is not None for edit in edits) else ()
        answer = self.network(
            ids[:, seen.ids.shape[1] :], None, conditioning.tokens, conditioning.mask,
            edits=active, cache=seen.cache if self.cached else None,
        )  # fmt: skip
        if self.cached:
            self._seen[conditioning] = _Seen(ids, tuple(edits), seen.cache)
        logits: Tensor = answer[:, -1:, : self.classes].float()
        return logits


def _known(x: Tensor) -> int:
    """Return how many tokens of every row are decided, from the first one on."""
    return int((x != HIDDEN).cumprod(1).sum(1).min())


def _goes_on(seen: _Seen, ids: Tensor, edits: Sequence[AttentionEdit | None]) -> bool:
    before = seen.ids.shape[1]
    return before < ids.shape[1] and seen.edits == tuple(edits) and torch.equal(seen.ids, ids[:, :before])
