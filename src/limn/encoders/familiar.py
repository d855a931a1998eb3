"""Unknown words read as the nearest known thing: ``a puppy`` as ``a dog``.

A model that learned from few captions has learned few words. Vectors put a word it never saw beside those it did,
but a network that was never asked there answers badly; the nearest thing it knows is mostly meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch.nn.functional as F
from torch import Tensor

from limn.data.captions import with_article
from limn.io.configurations import read_json
from limn.kernel.errors import WeightsError
from limn.networks.token_embeddings import TokenVectors
from limn.text.noun_phrases import CLOSED

FILE: Final = "vocabulary.json"
"""Beside a model's weights: the words of its captions, and the names of what it draws."""

LEAST: Final = 0.5
"""Cosine from which the nearest name stands for a word."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_ARTICLE: Final = re.compile(r"\b(?:an?) $", re.IGNORECASE)
_OPENING: Final = re.compile(r"^(?:an?|the) ")


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A word that no caption has, and the nearest thing that one has.

    Args:
        word: As it stands in the text.
        name: What it is read as.
        similarity: Cosine of their vectors.
    """

    word: str
    name: str
    similarity: float

    def __str__(self) -> str:
        return f"{self.word!r} is in no caption that this model learned from; nearest is {self.name!r}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A text in words that a model has learned.

    Args:
        text: What it says now.
        replaced: What was replaced, in order.
    """

    text: str
    replaced: tuple[Replaced, ...] = ()


class Vocabulary:
    """What a model has read, and what it draws.

    Args:
        known: Words of its captions, in lower case.
        names: Things it draws, with their articles, such as ``a dog``.
        words: Tokenizer and vectors.

    >>> known = Vocabulary(["a", "picture", "of", "dog", "violin"], ["a dog", "a violin"])
    >>> known("a picture of a canine").text
    'a picture of a dog'
    """

    def __init__(self, known: Iterable[str], names: Sequence[str], words: TokenVectors | None = None) -> None:
        self.known, self.names, self.words = frozenset(known), tuple(names), words or TokenVectors()

    @classmethod
    def of(cls, folder: Path) -> Vocabulary | None:
        """Return the vocabulary beside a model's weights; None if there is none.

        Raises:
            WeightsError: The file is damaged.
        """
        path = folder / FILE
        if not path.is_file():
            return None
        fields = read_json(path)
        for name in ("known", "names"):
            texts = fields.get(name)
            if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
                raise WeightsError(f"{path}: {name} must be a list of texts; export the model again")
        return cls(fields["known"], fields["names"])

    def __call__(self, text: str, learned: Iterable[str] = ()) -> Reading:
        """Read the last word of each phrase as the nearest name, if it is unknown and a name is near.

        Args:
            text: Any text; words before ``of`` and words of grammar stay.
            learned: Words that the model was taught beside its own, which stay too.

        Returns:
            The text and what was replaced.
        """
        replacements, parts, end = list[Replaced](), list[str](), 0
        taught = [span for word in learned for span in _places(word, text)]
        for match in _WORD.finditer(text):
            if any(start < match.end() and match.start() < stop for start, stop in taught):
                continue
            if not self._asks(match, text) or (replaced := self._nearest(match[0])) is None:
                continue
            article = _ARTICLE.search(text[end : match.start()])
            bare = _OPENING.sub("", replaced.name)
            start = end + article.start() if article else match.start()
            parts += [text[end:start], with_article(bare) if article and replaced.name != bare else bare]
            replacements.append(replaced)
            end = match.end()
        return Reading(text="".join([*parts, text[end:]]), replaced=tuple(replacements))

    def _asks(self, match: re.Match[str], text: str) -> bool:
        """Say whether a word is unknown and names something: the last one before grammar, a mark or the end."""
        word = match[0].lower()
        if len(word) < 3 or word in CLOSED or {word, word.removesuffix("s"), word.removesuffix("es")} & self.known:
            return False
        after = re.match(r"[\s-]*([^\W\d_]+)?", text[match.end() :])
        follows = after[1].lower() if after and after[1] else ""
        return not follows or (follows in CLOSED and follows != "of")

    def _nearest(self, word: str) -> Replaced | None:
        close = self._vectors @ self._means([word])[0]
        place = int(close.argmax())
        similarity = float(close[place])
        if similarity < LEAST:
            return None
        return Replaced(word=word, name=self.names[place], similarity=round(similarity, 4))

    @cached_property
    def _vectors(self) -> Tensor:
        return self._means([_OPENING.sub("", name) for name in self.names])

    def _means(self, texts: Sequence[str]) -> Tensor:
        vectors, mask = self.words(texts)
        return F.normalize((vectors * mask[..., None]).sum(1) / mask.sum(1, keepdim=True), dim=1)


def _places(word: str, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(re.escape(word), text, re.IGNORECASE)]


def words_of(captions: Iterable[str]) -> list[str]:
    """Return the words of captions in lower case, each once, sorted.

    >>> words_of(["A red heart", "a heart, red"])
    ['a', 'heart', 'red']
    """
    return sorted({word for caption in captions for word in _WORD.findall(caption.lower())})
