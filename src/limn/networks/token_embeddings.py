"""Words as vectors: a WordPiece tokenizer and frozen vectors for its tokens, both shipped with limn.

The vectors carry what words mean; order and context are the work of the network that reads the sequence.
How they were made and what else was measured: docs/decisions/0003-text-encoder.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from limn.kernel.errors import InputError, WeightsError

LIMIT = 48
"""Tokens of a text that are kept unless the caller says otherwise."""

_FOLDER = Path(__file__).parents[1] / "weights" / "text"
_EMPTY = 101  # [CLS]: what stands for a text without tokens, so that no attention row is empty
_PAD = 0  # [PAD]: its vector is zero
_READ = 64  # characters read for each token kept: bounds the time spent on a text of any length
_SURROGATE = re.compile("[\ud800-\udfff]")


class TextTokens(NamedTuple):
    """A batch of texts as padded sequences of token vectors.

    Args:
        vectors: Token vectors (B, T, D), float32; zero where the mask is False.
        mask: (B, T), True where there is a token. Every row has at least one.
    """

    vectors: Tensor
    mask: Tensor


class TokenVectors:
    """The tokenizer and its frozen token vectors, read from disk when first used.

    Case, accents and control characters do not count. A word that is not in the vocabulary falls into
    pieces; a character that is not becomes the unknown token. No string makes it fail, and the time it takes
    is bounded.

    Args:
        folder: Where ``tokenizer.json`` and ``vectors.safetensors`` lie; the shipped ones if None.

    >>> words = TokenVectors()
    >>> words.ids(["A red heart", ""])[0].tolist()
    [[1037, 2417, 2540], [101, 0, 0]]
    >>> words(["A red heart", ""]).vectors.shape
    torch.Size([2, 3, 128])
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _FOLDER

    @cached_property
    def table(self) -> Tensor:
        """The vectors of the whole vocabulary, (V, D) float32, mean square 1, on the CPU.

        Raises:
            WeightsError: The file is missing, damaged or does not fit the tokenizer.
        """
        path = self._folder / "vectors.safetensors"
        try:
            with safe_open(path, framework="pt") as file:
                codes, scale = file.get_tensor("codes"), file.get_tensor("scale")
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"{path}: cannot be read ({error}); reinstall limn") from error
        size = self._tokenizer.get_vocab_size()
        if codes.ndim != 2 or codes.shape[0] != size or scale.shape != (size, 1):
            raise WeightsError(f"{path}: does not fit the tokenizer's {size} tokens; reinstall limn")
        if codes.dtype != torch.int8 or not bool(torch.isfinite(scale).all()):
            raise WeightsError(f"{path}: holds values that are not vectors; reinstall limn")
        table: Tensor = codes * scale.float()
        return table

    @property
    def width(self) -> int:
        """Length D of a token vector."""
        return self.table.shape[1]

    def ids(self, texts: Sequence[str], *, limit: int = LIMIT) -> tuple[Tensor, Tensor]:
        """Split texts into tokens.

        Args:
            texts: B texts; an empty one becomes a single placeholder token.
            limit: Tokens kept of each text, at least 1; ``cut`` tells which texts lose any.

        Returns:
            Token ids (B, T) int64, padded with 0, and their mask (B, T), True where there is a token.

        Raises:
            InputError: ``limit`` is below 1.
        """
        rows = [encoding.ids[:limit] or [_EMPTY] for encoding in self._encode(texts, limit)]
        ids = torch.full((len(rows), max(map(len, rows), default=1)), _PAD)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        lengths = torch.tensor([len(tokens) for tokens in rows], dtype=torch.int64)
        return ids, torch.arange(ids.shape[1]) < lengths[:, None]

    def vectors(self, ids: Tensor) -> Tensor:
        """Look token ids of any shape (...) up: their vectors (..., D), float32, on the device of the ids."""
        return torch.nn.functional.embedding(ids.cpu(), self.table).to(ids.device)

    def __call__(self, texts: Sequence[str], *, limit: int = LIMIT) -> TextTokens:
        """Turn texts into padded sequences of token vectors; arguments and errors are those of ``ids``."""
        ids, mask = self.ids(texts, limit=limit)
        return TextTokens(self.vectors(ids), mask)

    def cut(self, texts: Sequence[str], *, limit: int = LIMIT) -> list[bool]:
        """Tell for each text whether it is longer than ``limit`` tokens, so that its end is not read."""
        encodings = self._encode(texts, limit)
        pairs = zip(texts, encodings, strict=True)
        return [len(encoding.ids) > limit or len(text) > _READ * limit for text, encoding in pairs]

    def spans(self, text: str, *, limit: int = LIMIT) -> list[tuple[int, int]]:
        """Find the characters behind each token of one text.

        Args:
            text: The text.
            limit: Tokens kept, as for ``ids``.

        Returns:
            For each token that ``ids`` gives, start and end in ``text``; (0, 0) for the placeholder.

        >>> [("Two firefighters!"[a:b]) for a, b in TokenVectors().spans("Two firefighters!")]
        ['Two', 'firefighters', '!']
        """
        (encoding,) = self._encode([text], limit)
        return encoding.offsets[:limit] or [(0, 0)]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        path = self._folder / "tokenizer.json"
        try:
            return Tokenizer.from_str(path.read_text("utf-8"))
        except Exception as error:  # tokenizers raises bare Exception for damaged JSON
            raise WeightsError(f"{path}: cannot be read ({error}); reinstall limn") from error

    def _encode(self, texts: Sequence[str], limit: int) -> list[Encoding]:
        if limit < 1:
            raise InputError(f"limit: {limit} tokens cannot hold a text; use 1 or more")
        # A lone surrogate has no UTF-8 form; U+FFFD is as long, so the spans stay true.
        read = [_SURROGATE.sub("\ufffd", text[: _READ * limit]) for text in texts]
        return self._tokenizer.encode_batch(read, add_special_tokens=False)
