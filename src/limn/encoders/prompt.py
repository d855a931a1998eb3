"""From prompts to rows of text conditioning for the native models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from limn.kernel.predictor import Ask, Conditioning
from limn.networks.token_embeddings import LIMIT, TokenVectors


class PromptEncoder:
    """Frozen token vectors of the prompt's words; a row that drops its text has no word at all.

    Args:
        words: Tokenizer and vectors.
        limit: Most tokens that are read.
        device: Where the conditioning goes.
    """

    def __init__(self, words: TokenVectors, *, limit: int = LIMIT, device: str = "cpu") -> None:
        self.words, self.limit, self.device = words, limit, device

    @property
    def width(self) -> int:
        """Length of a word's vector."""
        return self.words.width

    def knowing(self, words: Mapping[str, Tensor]) -> PromptEncoder:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        return PromptEncoder(self.words.knowing(words), limit=self.limit, device=self.device)

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return token vectors (rows, tokens, width) and which of them are real."""
        texts = ["" if "text" in ask.drop else ask.prompt.text.strip() for ask in asks]
        vectors, mask = self.words(texts, limit=self.limit)
        real = torch.tensor([bool(text) for text in texts])
        mask = mask & real[:, None]
        return Conditioning((vectors * mask[..., None]).to(self.device), mask.to(self.device))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token that is read."""
        return self.words.spans(text.strip(), limit=self.limit)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        text = text.strip()
        (cut,) = self.words.cut([text], limit=self.limit)
        return text[self.spans(text)[-1][1] :].strip() if cut else ""
