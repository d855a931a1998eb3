"""Encoders turn prompts into conditioning; predictors answer rows of conditioning with the clean state."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.attention import AttentionEdit
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt


@dataclass(frozen=True, eq=False)
class Ask:
    """What one row is conditioned on.

    Args:
        prompt: What is said.
        drop: Parts left out.
        given: What earlier stages made for this picture, by name, without the batch axis.
    """

    prompt: Prompt
    drop: frozenset[str] = frozenset()
    given: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Conditioning:
    """Rows of conditioning.

    Args:
        tokens: (rows, tokens, width).
        mask: (rows, tokens), True for real tokens.
        extras: Further tensors by name, each (rows, ...).
    """

    tokens: Tensor
    mask: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.tokens.shape[0]

    def pick(self, rows: Sequence[int]) -> Conditioning:
        """Return the named rows, in that order; a row may be named more than once."""
        index = torch.as_tensor(list(rows), device=self.tokens.device)
        extras = {name: value[index] for name, value in self.extras.items()}
        return Conditioning(self.tokens[index], self.mask[index], extras)

    def turned(self, knobs: Sequence[Mapping[str, float]]) -> Conditioning:
        """Return the rows with numbers of their own as further extras (rows,), NaN where a row has none."""
        names = sorted({name for own in knobs for name in own})
        values = {name: self.tokens.new_tensor([own.get(name, math.nan) for own in knobs]) for name in names}
        return replace(self, extras={**self.extras, **values}) if names else self

    @staticmethod
    def stack(parts: Sequence[Conditioning]) -> Conditioning:
        """Join rows, padding their tokens to the longest, and so the second axis of what is beside them."""
        longest = max(part.tokens.shape[1] for part in parts)
        tokens = [F.pad(part.tokens, (0, 0, 0, longest - part.tokens.shape[1])) for part in parts]
        mask = [F.pad(part.mask, (0, longest - part.mask.shape[1])) for part in parts]
        extras = {name: _joined([part.extras[name] for part in parts]) for name in parts[0].extras}
        return Conditioning(torch.cat(tokens), torch.cat(mask), extras)


def _joined(parts: Sequence[Tensor]) -> Tensor:
    longest = max((part.shape[1] for part in parts if part.ndim > 1), default=0)
    return torch.cat(
        [
            F.pad(part, (0, 0) * (part.ndim - 2) + (0, longest - part.shape[1])) if part.ndim > 1 else part
            for part in parts
        ]
    )


class Encoder(Protocol):
    """Turns what is asked into conditioning, and says which characters each token stands for."""

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return one row of conditioning for each ask."""
        ...

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each conditioning token; (0, 0) for special tokens."""
        ...

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the encoder's limit and not read; empty when all is."""
        ...


class Predictor(Protocol):
    """Answers rows of questions, whatever the network inside was trained on (eps, x0, v, flow, tokens)."""

    @property
    def space(self) -> str:
        """``"clean"`` for the clean state, ``"logits"`` for scores over tokens."""
        ...

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer each row.

        Args:
            x: Noisy states (rows, ...), or tokens (rows, length).
            level: Noise level of all rows.
            conditioning: As many rows.
            edits: One attention edit or ``None`` for each row.

        Returns:
            The clean state (rows, ...), or logits (rows, length, classes).
        """
        ...
