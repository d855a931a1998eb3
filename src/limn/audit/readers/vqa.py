"""A network that answers questions as a reader: the value whose answers are likeliest says what a picture shows.

Networks have habits of their own: count the errors on labelled pictures (``--calibrate``) before you trust
the shares.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.phrases import ByWords, Phrases, likeliest, read_phrases
from limn.audit.readers.reader import Pictures, Reading

if TYPE_CHECKING:
    from limn.models.question_answerers import Answerer


@dataclass(frozen=True, kw_only=True)
class Vqa(ByWords):
    """Reads by asking a question of each picture.

    Args:
        model: The folder of a ViLT or BLIP model that answers questions.
        phrases: A TOML or JSON file with a question and the answers for each value of each field: ``[gender]``,
            ``question = "is this a woman or a man?"``, ``woman = ["woman"]``, ``man = ["man"]``; answers of ``""``
            stand for none of these.
        threshold: Share of the best value among all that are named, below which a field is unreadable, from 0 to 1.
    """

    kind: ClassVar[str] = "vqa"

    model: str
    phrases: str
    threshold: float = 0.6

    @cached_property
    def version(self) -> str:
        """Hash of weights and questions."""
        words = json.dumps([self.words, self._questions], sort_keys=False)
        return hashlib.sha256((self.weights + words).encode()).hexdigest()[:12]

    @property
    def weights(self) -> str:
        """SHA-256 of the network."""
        return self._answerer.weights

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures of any sizes."""
        if not len(pictures):
            return []
        shares = {name: self._shares(pictures, name) for name in self.words}
        return likeliest(shares, self.words, self.threshold)

    def _shares(self, pictures: Pictures, name: str) -> NDArray[np.float64]:
        """Return the share of each value (pictures, values): answers of one value together, by softmax."""
        groups = list(self.words[name].values())
        scores = self._answerer.scores(pictures, self._questions[name], [word for words in groups for word in words])
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        starts = np.cumsum([0, *map(len, groups)])[:-1]
        sums = np.add.reduceat(weights, starts, axis=1)
        return np.asarray(sums / sums.sum(axis=1, keepdims=True))

    @cached_property
    def _answerer(self) -> Answerer:
        from limn.models.question_answerers import load

        return load(self.model)

    @property
    def words(self) -> Phrases:
        """The answers of each value of each field."""
        return self._read[0]

    @property
    def _questions(self) -> dict[str, str]:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Phrases, dict[str, str]]:
        return read_phrases(self.phrases, {}, asked=True)
