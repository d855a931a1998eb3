"""A network that answers questions as a reader: the value whose answers are likeliest says what a picture shows.

Networks have habits of their own: count the errors on labelled pictures (``--calibrate``) before you trust
the shares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.phrases import NOTHING, Phrases, likeliest, read_phrases
from limn.audit.readers.reader import Pictures, Reader, Reading
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.models.question_answerers import Answerer


@dataclass(frozen=True, kw_only=True)
class Vqa(Reader):
    """Reads by asking a question of each picture.

    Args:
        model: The folder of a ViLT or BLIP model that answers questions.
        phrases: A TOML or JSON file with a question and the answers for each value of each field: ``[gender]``,
            ``question = "is this a woman or a man?"``, ``woman = ["woman"]``, ``man = ["man"]``; answers of ``""``
            stand for none of these.
        threshold: Share of the best value among all that are named, below which a field is unreadable, from 0 to 1.
    """

    main: ClassVar[str] = "phrases"

    model: str
    phrases: str
    threshold: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold: {self.threshold} is not allowed; give 0 to 1")

    @property
    def name(self) -> str:
        """The folder, and the file of questions where there is one."""
        file = "" if self.phrases.strip()[:1] in ("", "{") else f":{Path(self.phrases).stem}"
        return f"vqa:{Path(self.model).name}{file}"

    @cached_property
    def version(self) -> str:
        """Hash of weights and questions."""
        words = json.dumps([self._phrases, self._questions], sort_keys=False)
        return hashlib.sha256((self.weights + words).encode()).hexdigest()[:12]

    @property
    def weights(self) -> str:
        """SHA-256 of the network."""
        return self._answerer.weights

    @property
    def scored(self) -> tuple[str, ...]:
        """All fields."""
        return tuple(self._phrases)

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """As the file says."""
        return {name: tuple(value for value in values if value != NOTHING) for name, values in self._phrases.items()}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures of any sizes."""
        if not len(pictures):
            return []
        shares = {name: self._shares(pictures, name) for name in self._phrases}
        return likeliest(shares, self._phrases, self.threshold)

    def _shares(self, pictures: Pictures, name: str) -> NDArray[np.float64]:
        """Return the share of each value (pictures, values): answers of one value together, by softmax."""
        groups = list(self._phrases[name].values())
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
    def _phrases(self) -> Phrases:
        return self._read[0]

    @property
    def _questions(self) -> dict[str, str]:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Phrases, dict[str, str]]:
        return read_phrases(self.phrases, {}, asked=True)
