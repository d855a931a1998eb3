"""What an intervention is: of a picture it makes another of the same class, as words say."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Ask
from limn.audit.sources import Drawing, FromGenerator
from limn.io.pictures import cover
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.synth.labelled import Labelled

if TYPE_CHECKING:
    from limn.kernel.edit import Edit

Picture = NDArray[np.uint8]


class Intervention(registry.Part, ABC):
    """Base of interventions: ``synth/interventions/NAME.py``, or an entry point of ``limn.interventions``."""

    paper: ClassVar[str] = "yuan2024pretty"

    @property
    def hashes(self) -> Mapping[str, str]:
        """SHA-256 of what it reads beside the model, by name."""
        return {}

    @abstractmethod
    def draw(self, source: FromGenerator, picture: Picture, ask: Ask, seed: int) -> Drawing:
        """Make one picture.

        Args:
            source: The model, with what steers it.
            picture: Where it starts from (height, width, 3).
            ask: The words, and its ``class``, ``from`` and ``place``: which of the class's pictures it is.
            seed: Of its random stream.
        """


class Drawn(Intervention, ABC):
    """Base of interventions by a model's edits."""

    @abstractmethod
    def edit(self, picture: Picture) -> Edit | None:
        """Return the edit of a picture of the model's size; None draws from the words alone.

        Raises:
            InputError: Of this picture none can be made.
        """

    def draw(self, source: FromGenerator, picture: Picture, ask: Ask, seed: int) -> Drawing:
        """Draw by the model; see :meth:`Intervention.draw`."""
        from PIL import Image

        fitted = np.asarray(cover(Image.fromarray(picture), source.generator.size[0]))
        try:
            edit = self.edit(fitted)
        except InputError as error:
            return Drawing(pixels=None, flaw=str(error))
        return source.edited(ask.prompt, seed, edit)


@dataclass(kw_only=True, eq=False)
class Intervening:
    """A source that makes a picture of each picture that is there.

    Args:
        intervention: How.
        source: The model, with what steers it.
        pictures: What it starts from, by name.
    """

    intervention: Intervention
    source: FromGenerator
    pictures: Mapping[str, Picture]
    batch: int = 8
    reads_slots: bool = True
    alone: bool = True

    @property
    def name(self) -> str:
        """Of the model, and how."""
        return f"{self.source.name} {registry.name_of(self.intervention)}"

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """Of the model, and how."""
        return {**self.source.settings, "intervention": registry.record(self.intervention)}

    @property
    def hashes(self) -> Mapping[str, str]:
        """Of the model and of what the intervention reads."""
        return {**self.source.hashes, **self.intervention.hashes}

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        """Make one picture for each ask."""
        for ask, seed in zip(asks, seeds, strict=True):
            yield self.intervention.draw(self.source, self.pictures[ask.slots["from"]], ask, seed)


def asks_of(known: Labelled, to: str, names: Mapping[str, str], *, n: int = 1, seed: int = 0) -> tuple[Ask, ...]:
    """Return what is asked of each picture, its class kept.

    Args:
        known: The pictures.
        to: What they become, with ``{class}`` for the class.
        names: What each class is called in words.
        n: Pictures made of each.
        seed: First seed.

    Raises:
        InputError: The words do not say the class.
    """
    if "{class}" not in to:
        raise InputError(f"to: {to[:60]!r} does not say the class; write {{class}} where its name belongs")
    asks, places = [], dict.fromkeys(known.labels, 0)
    for picture, label, key in zip(known.pictures, known.labels, known.keys, strict=True):
        digest = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        for _ in range(n):
            place = places[label]
            places[label] += 1
            slots = {"class": label, "from": key, "place": str(place), "picture": digest}
            prompt = to.replace("{class}", names.get(label, label))
            asks.append(Ask(prompt=prompt, slots=slots, group=label, seed=seed + place))
    return tuple(asks)
