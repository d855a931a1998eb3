"""Words as vectors: a WordPiece tokenizer and frozen vectors for its tokens, both shipped with limn.

The vectors carry what words mean; order and context are the work of the network that reads the sequence.
How they were made and what else was measured: docs/decisions/0003-text-encoder.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from tokenizers import AddedToken, Tokenizer
from torch import Tensor

from limn.kernel.errors import InputError, WeightsError

LIMIT = 48
"""Tokens of a text that are kept unless the caller says otherwise."""

_FOLDER = Path(__file__).parents[1] / "weights" / "text"
_EMPTY = 101  # [CLS]: what stands for a text without tokens, so that no attention row is empty
_PAD = 0  # [PAD]: its vector is zero
_READ = 64  # characters read for each token kept: bounds the time spent on a text of any length
Span = tuple[int, int]

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
        learned: Vectors (n, D) of further words; each stands in a text as n tokens, whose ids follow the table's.

    >>> words = TokenVectors()
    >>> words.ids(["A red heart", ""])[0].tolist()
    [[1037, 2417, 2540], [101, 0, 0]]
    >>> words(["A red heart", ""]).vectors.shape
    torch.Size([2, 3, 128])
    """

    def __init__(self, folder: Path | None = None, learned: Mapping[str, Tensor] | None = None) -> None:
        self._folder, self.learned = folder or _FOLDER, dict(learned or {})

    def knowing(self, words: Mapping[str, Tensor]) -> TokenVectors:
        """Return the same, with further words; slopes reach their vectors, and nothing else."""
        return TokenVectors(self._folder, {**self.learned, **words})

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
        size = self._read.get_vocab_size()
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
        rows = [ids[:limit] or [_EMPTY] for ids, _ in self._tokens(texts, limit)]
        ids = torch.full((len(rows), max(map(len, rows), default=1)), _PAD)
        for row, tokens in zip(ids, rows, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        lengths = torch.tensor([len(tokens) for tokens in rows], dtype=torch.int64)
        return ids, torch.arange(ids.shape[1]) < lengths[:, None]

    def vectors(self, ids: Tensor) -> Tensor:
        """Look token ids of any shape (...) up: their vectors (..., D), float32, on the device of the ids."""
        table, places = self.table, ids.cpu()
        if not self.learned:
            return F.embedding(places, table).to(ids.device)
        own = places - len(table)
        learned = torch.cat([vectors.to(table) for vectors in self.learned.values()])[own.clamp(min=0)]
        known = F.embedding(places.clamp(max=len(table) - 1), table)
        return torch.where(own[..., None] >= 0, learned, known).to(ids.device)

    def __call__(self, texts: Sequence[str], *, limit: int = LIMIT) -> TextTokens:
        """Turn texts into padded sequences of token vectors; arguments and errors are those of ``ids``."""
        ids, mask = self.ids(texts, limit=limit)
        return TextTokens(self.vectors(ids), mask)

    def cut(self, texts: Sequence[str], *, limit: int = LIMIT) -> list[bool]:
        """Tell for each text whether it is longer than ``limit`` tokens, so that its end is not read."""
        pairs = zip(texts, self._tokens(texts, limit), strict=True)
        return [len(ids) > limit or len(text) > _READ * limit for text, (ids, _) in pairs]

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
        ((_, offsets),) = self._tokens([text], limit)
        return offsets[:limit] or [(0, 0)]

    @cached_property
    def _read(self) -> Tokenizer:
        path = self._folder / "tokenizer.json"
        try:
            return Tokenizer.from_str(path.read_text("utf-8"))
        except Exception as error:  # tokenizers raises bare Exception for damaged JSON
            raise WeightsError(f"{path}: cannot be read ({error}); reinstall limn") from error

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        if not self.learned:
            return self._read
        tokenizer = Tokenizer.from_str(self._read.to_str())
        tokenizer.add_tokens([learned_token(word) for word in self.learned])
        return tokenizer

    @cached_property
    def _expanded(self) -> dict[int, list[int]]:
        """The ids that each learned word's single token stands for."""
        return expansions(self._tokenizer.token_to_id, self.learned, len(self.table)) if self.learned else {}

    def _tokens(self, texts: Sequence[str], limit: int) -> list[tuple[list[int], list[Span]]]:
        """Return ids of tokens, and the characters behind each."""
        if limit < 1:
            raise InputError(f"limit: {limit} tokens cannot hold a text; use 1 or more")
        # A lone surrogate has no UTF-8 form; U+FFFD is as long, so the spans stay true.
        read = [_SURROGATE.sub("\ufffd", text[: _READ * limit]) for text in texts]
        encodings = self._tokenizer.encode_batch(read, add_special_tokens=False)
        return [expand(encoding.ids, encoding.offsets, self._expanded) for encoding in encodings]


def learned_token(word: str) -> AddedToken:
    """Return a learned word as a token; one of letters is found as a word only, not within another."""
    return AddedToken(word, single_word=word[0].isalnum() or word[-1].isalnum())


def expansions(id_of: Callable[[str], int | None], words: Mapping[str, Tensor], first: int) -> dict[int, list[int]]:
    """Return the ids of each learned word's vectors, by the id of its token; counted on from ``first``."""
    table = {}
    for word, vectors in words.items():
        place = id_of(word)
        assert place is not None
        table[place] = list(range(first, first + len(vectors)))
        first += len(vectors)
    return table


def expand(
    ids: Sequence[int], spans: Sequence[Span], table: Mapping[int, list[int]]
) -> tuple[list[int], list[Span]]:
    """Put several tokens in place of one, where a table says so; all of them have its characters.

    >>> expand([5, 7], [(0, 1), (2, 6)], {7: [90, 91]})
    ([5, 90, 91], [(0, 1), (2, 6), (2, 6)])
    """
    pairs = [(other, span) for own, span in zip(ids, spans, strict=True) for other in table.get(own, [own])]
    return [own for own, _ in pairs], [span for _, span in pairs]
