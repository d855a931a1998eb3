"""By retrieval: in place of drawing, the pictures of a pool that lie nearest to the words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from limn.audit.probe import Ask
from limn.audit.sources import Drawing, FromGenerator
from limn.synth.intervention import Intervention, Picture
from limn.synth.labelled import Pictures, examples_of

if TYPE_CHECKING:
    from limn.models.dual_encoders import Encoder


@dataclass(frozen=True, kw_only=True)
class Retrieval(Intervention):
    """Takes the nearest picture of a pool, the next one for the next picture of a class; labels play no part.

    Args:
        pool: A folder, shard or Parquet file of pictures.
        encoder: The dual encoder that says what is near: a name or a folder.
    """

    pool: str
    encoder: str = "judge_a"

    @cached_property
    def hashes(self) -> Mapping[str, str]:
        """Of the pool and of the encoder."""
        digest = hashlib.sha256(b"".join(picture.tobytes() for picture in self._pictures))
        return {"pool": digest.hexdigest(), "encoder": self._encoder.weights}

    def draw(self, source: FromGenerator, picture: Picture, ask: Ask, seed: int) -> Drawing:
        """Take one picture; see :meth:`Intervention.draw`."""
        order, place = self._order(ask.prompt), int(ask.slots["place"])
        if place >= len(order):
            return Drawing(pixels=None, flaw=f"the pool has only {len(order)} pictures")
        chosen = int(order[place])
        record = {"retrieved": self._keys[chosen], "rank": place, "encoder": self._encoder.weights}
        return Drawing(pixels=self._pictures[chosen], record=record)

    def _order(self, prompt: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        if prompt not in self._orders:
            near = self._vectors @ self._encoder.texts([prompt])[0]
            self._orders[prompt] = np.argsort(-near, kind="stable")
        return self._orders[prompt]

    @cached_property
    def _orders(self) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
        return {}

    @cached_property
    def _examples(self) -> tuple[Pictures, list[str]]:
        examples = list(examples_of(Path(self.pool), None))
        return [example.on() for example in examples], [example.key for example in examples]

    @property
    def _pictures(self) -> Pictures:
        return self._examples[0]

    @property
    def _keys(self) -> list[str]:
        return self._examples[1]

    @cached_property
    def _vectors(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.asarray(self._encoder.images(self._pictures), np.float32)

    @cached_property
    def _encoder(self) -> Encoder:
        from limn.models.dual_encoders import load

        return load(self.encoder)
