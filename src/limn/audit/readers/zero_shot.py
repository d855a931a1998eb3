"""Any dual encoder as a reader: the phrase that lies nearest to a picture says what it shows.

Each value is the mean of its phrases, as in Radford et al. 2021 (arXiv:2103.00020, section 3.1.4).
Encoders have habits of their own: count the errors on labelled pictures before you trust the shares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.phrases import NOTHING, ByWords, Phrases, likeliest, read_phrases
from limn.audit.readers.reader import Pictures, Reading
from limn.kernel.errors import InputError

if TYPE_CHECKING:
    from limn.models.dual_encoders import Encoder

PERSON: Mapping[str, Mapping[str, Sequence[str]]] = {
    "gender": {
        "woman": ("a woman", "a picture of a woman", "a woman worker"),
        "man": ("a man", "a picture of a man", "a man worker"),
        NOTHING: ("an object", "an animal", "a symbol", "food"),
    },
}
"""Used where no phrases are given."""


@dataclass(frozen=True, kw_only=True)
class ZeroShot(ByWords):
    """Reads by the phrase whose vector is nearest to the picture's.

    Args:
        model: A dual encoder shipped with limn, or the folder of one, of a CLIP or of a SigLIP model.
        phrases: A TOML or JSON file, or JSON itself: ``{"gender": {"woman": ["a woman"], "man": ["a man"], "":
            ["food"]}}``; the phrases of ``""`` stand for none of these. Gender of persons if empty.
        scores: ``softmax``, the share of the best value among all, or ``sigmoid``, its own probability to fit, for
            encoders that were trained on pairs one by one (SigLIP).
        threshold: Score of the best value below which a field is unreadable, from 0 to 1.
    """

    kind: ClassVar[str] = "zero_shot"

    model: str = "judge_b"
    phrases: str = ""
    scores: Literal["softmax", "sigmoid"] = "softmax"
    threshold: float = 0.6

    def rehearse(self) -> None:
        """Read one picture, and refuse sigmoid scores of an encoder without a bias."""
        if self.scores == "sigmoid" and self._encoder.bias is None:
            raise InputError(f"scores: {self.model} was not trained on pairs one by one; leave scores=softmax")
        super().rehearse()

    @classmethod
    def of(cls, phrases: Mapping[str, Mapping[str, Sequence[str]]], **options: Any) -> ZeroShot:
        """Build from a mapping of field, value and phrases."""
        return cls(phrases=json.dumps(phrases, sort_keys=False), **options)

    @cached_property
    def version(self) -> str:
        """Hash of weights and phrases."""
        words = json.dumps(self.words, sort_keys=False) + ("" if self.scores == "softmax" else self.scores)
        return hashlib.sha256((self._encoder.weights + words).encode()).hexdigest()[:12]

    @property
    def weights(self) -> str:
        """SHA-256 of the encoder."""
        return self._encoder.weights

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures of any sizes."""
        if not len(pictures):
            return []
        places = self._encoder.images(pictures)
        shares = {name: self._shares(places, name) for name in self.words}
        return likeliest(shares, self.words, self.threshold)

    def _shares(self, places: NDArray[np.float32], name: str) -> NDArray[np.float64]:
        logits = self._encoder.scale * (places @ self._classes[name].T).astype(np.float64)
        if self.scores == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-(logits + (self._encoder.bias or 0.0)))))
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    @cached_property
    def _classes(self) -> dict[str, NDArray[np.float32]]:
        """One unit vector for each value of each field."""
        classes = {}
        for name, values in self.words.items():
            means = np.stack([self._encoder.texts(list(phrases)).mean(axis=0) for phrases in values.values()])
            classes[name] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return classes

    @cached_property
    def _encoder(self) -> Encoder:
        from limn.models.dual_encoders import load

        return load(self.model)

    @cached_property
    def words(self) -> Phrases:
        """The phrases of each value of each field."""
        return read_phrases(self.phrases, PERSON)[0]
