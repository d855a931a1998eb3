"""Rows that carry what is known of a picture."""

from __future__ import annotations

import torch

import toys
from limn.encoders.known import Known
from limn.kernel.known import KNOWN
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt


def test_each_row_carries_its_own_also_without_words() -> None:
    told = [torch.full((2, 4, 4), float(k)) for k in range(2)]
    asks = [Ask(Prompt("a cat"), frozenset(drop), {KNOWN: told[k]}) for k, drop in enumerate(((), ("text",)))]
    plain, rows = toys.Words().encode(asks), Known(toys.Words()).encode(asks)
    assert torch.equal(rows.tokens, plain.tokens)
    assert torch.equal(rows.extras[KNOWN], torch.stack(told))
    assert KNOWN not in Known(toys.Words()).encode([Ask(Prompt("a cat"))]).extras
    assert Known(toys.Words()).spans("a cat") == [(0, 5)]
    assert Known(toys.Words()).unread("a cat") == ""
