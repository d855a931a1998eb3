"""Words that learn: vectors beside the frozen ones of all others, so that nothing else can move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from limn.kernel.errors import InputError
from limn.personalise.denoising import Box
from limn.personalise.learned import Learned
from limn.personalise.trainable import Trainable


class TrainableWords(Trainable):
    """A word of some vectors.

    Args:
        encoder: Of a model, frozen.
        word: How it is written.
        count: How many vectors it has.
        begin: The word whose vector it begins with, the mean of them if it has several; a drawn one when empty.
        keep: Whether each vector keeps its length.
        seed: Decides what is drawn.

    Raises:
        InputError: The encoder cannot be taught words.
    """

    reads = True

    def __init__(self, encoder: Any, word: str, count: int, *, begin: str, keep: bool, seed: int) -> None:
        if not hasattr(encoder, "knowing"):
            raise InputError("model: it cannot be taught words; use emoji, shapes or Stable Diffusion")
        table = _table(encoder)
        self.usual = float(table.float().norm(dim=1).median())
        if begin:
            own = table[_ids(encoder, begin)].float()
            mean = own.mean(0)
            rows = (mean * own.norm(dim=1).mean() / mean.norm()).expand(count, -1)
        else:
            drawn = torch.randn(count, table.shape[1], generator=torch.Generator().manual_seed(seed))
            rows = drawn * self.usual / drawn.norm(dim=1, keepdim=True)
        rows = rows.to(table.device).clone()
        self.word, self.lengths = word, rows.norm(dim=1, keepdim=True) if keep else None
        super().__init__({word: nn.Parameter(rows)})
        self.encoder = encoder.knowing(self.weights)
        self.scale = self.usual / table.shape[1] ** 0.5

    @contextmanager
    def on(self, boxes: Sequence[Box] = ()) -> Iterator[None]:
        """Change nothing: the encoder knows the word."""
        yield

    def settle(self) -> None:
        """Bring the vectors back to their lengths, where they keep them."""
        if self.lengths is not None:
            with torch.no_grad():
                rows = self.weights[self.word]
                rows.mul_(self.lengths / rows.norm(dim=1, keepdim=True))

    def facts(self) -> dict[str, float]:
        """Return the mean length of the vectors over the vocabulary's median."""
        return {"length over usual": float(self.weights[self.word].detach().norm(dim=1).mean()) / self.usual}

    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Return the word."""
        return Learned(words={self.word: (tensors[self.word],)})


def _table(encoder: Any) -> Tensor:
    """Return the vectors of the whole vocabulary (tokens, width)."""
    model = getattr(encoder, "model", None)
    table: Tensor = encoder.words.table if model is None else model.get_input_embeddings().weight
    return table.detach()


def _ids(encoder: Any, text: str) -> Tensor:
    """Return the tokens of a text."""
    if getattr(encoder, "model", None) is None:
        return encoder.words.ids([text])[0][0]  # type: ignore[no-any-return]
    return torch.tensor(encoder.tokenizer(text, add_special_tokens=False)["input_ids"])
