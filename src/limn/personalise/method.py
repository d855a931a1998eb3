"""A method of learning from pictures: the base of every part of the kind ``learners``.

A method says what learns (:mod:`limn.personalise.trainable`) and what each step is shown; loop, measuring and files
are shared (:mod:`limn.personalise.loop`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from limn.data.captions import with_article
from limn.kernel import registry
from limn.kernel.adapter import RowAdapter
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.stage import Stage
from limn.personalise.denoising import Rows
from limn.personalise.pictures import Shown
from limn.personalise.trainable import Trainable
from limn.train.batches import signed


@dataclass(frozen=True, kw_only=True, eq=False)
class Given:
    """What a method learns from.

    Args:
        generator: The model, frozen.
        shown: The person's pictures.
        prior: Pictures of :meth:`Method.ordinary`, drawn by the untouched model (pictures, 3, height, width).
        seed: Decides everything that is drawn.
        known: Words that the model has learned; ``None`` where it does not say.
        held: How many of the pictures are kept out of learning; they say how well it goes.
    """

    generator: Generator
    shown: Sequence[Shown]
    prior: Tensor | None = None
    seed: int = 0
    known: frozenset[str] | None = None
    held: int = 0

    @property
    def stage(self) -> Stage:
        """The one stage of the model."""
        return self.generator.main

    @property
    def learned(self) -> Sequence[Shown]:
        """Pictures that are learned from."""
        return self.shown[: len(self.shown) - self.held]

    @property
    def kept_out(self) -> Sequence[Shown]:
        """Pictures that measure: those held out, or all where there are too few."""
        return self.shown[len(self.shown) - self.held :] if self.held else self.shown

    def states(self, pictures: Tensor) -> Tensor:
        """Return the states of pictures (pictures, 3, height, width) in [-1, 1], each encoded alone."""
        with torch.no_grad():
            return torch.cat(
                [self.stage.codec.encode(part.to(self.stage.device)).cpu() for part in torch.split(pictures, 8)]
            )

    def encoded(self, shown: Sequence[Shown]) -> Tensor:
        """Return the states of a person's pictures, the middle of each at the model's own size."""
        size = self.generator.size
        return torch.cat([self.states(signed(one.square(*size)[None])) for one in shown])


@dataclass(frozen=True, kw_only=True, eq=False)
class Lesson:
    """What a method does with what it was given.

    Args:
        change: What learns.
        rows: What each step is shown, from its number and its own source of randomness.
        held: What the held-out loss is measured on.
        ordinary: What should be answered as before; ``None`` where nothing else can change.
        prompts: What sheets show.
        plain: The same prompts as the untouched model would be asked.
    """

    change: Trainable
    rows: Callable[[int, torch.Generator], Rows]
    held: Rows
    ordinary: Rows | None
    prompts: Sequence[str]
    plain: str


@dataclass(frozen=True, kw_only=True)
class Method(registry.Part, ABC):
    """Base of every method; a subclass is a frozen dataclass in a file of its own name.

    Args:
        word: What the thing is called from now on.
        thing: What kind of thing it is, in a word that the model knows.
        lr: Learning rate.
        batch: Pictures a step.
        most: Steps after which learning ends at the latest, unless a number of steps is asked for.
    """

    stops: ClassVar[bool] = True
    """Whether measuring says which step is kept."""
    keeps_out: ClassVar[bool] = True
    """Whether a picture that is kept out of learning measures it, where there are enough."""

    word: str = "zorp"
    thing: str = ""
    lr: float = 1e-3
    batch: int = 4
    most: int = 1000

    def ordinary(self) -> tuple[str, int] | None:
        """Return a prompt, and how many pictures of it the untouched model draws before learning; None for none."""
        return None

    @classmethod
    def further(cls, network: nn.Module, extra: Mapping[str, Tensor], weight: float) -> RowAdapter | None:
        """Return what a learned thing adds to a network besides words and changes to layers; None for nothing.

        Args:
            network: That of the model.
            extra: Further tensors of the file, by name.
            weight: Of the adapter.

        Raises:
            WeightsError: They do not fit the network.
        """
        return None

    @abstractmethod
    def lesson(self, given: Given) -> Lesson:
        """Return what is to be done.

        Raises:
            InputError: The model or the pictures do not fit the method.
        """

    def check(self, **bounds: tuple[float, float]) -> None:
        """Refuse options that are out of bounds, both included."""
        for name, (low, high) in {"lr": (1e-8, 10.0), "batch": (1, 256), "most": (1, 10**6), **bounds}.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{registry.name_of(self)}: {name} must be from {low:g} to {high:g}, not {value}")


def picked(clean: Tensor, captions: Sequence[Sequence[str]], count: int, generator: torch.Generator) -> Rows:
    """Pick some states, each with one of its captions.

    Args:
        clean: States (states, ...).
        captions: Those that each may have.
        count: How many rows.
        generator: Source of randomness.
    """
    places = _evenly(len(clean), count, generator)
    texts = [
        captions[place][int(torch.randint(len(captions[place]), (1,), generator=generator))] for place in places
    ]
    return Rows.of(clean[places], texts)


def _evenly(states: int, count: int, generator: torch.Generator) -> list[int]:
    """Return places, each equally often as far as it goes."""
    rounds = -(-count // states)
    return torch.cat([torch.randperm(states, generator=generator) for _ in range(rounds)])[:count].tolist()


def said(given: Sequence[Shown], usual: Sequence[str], word: str = "") -> list[Sequence[str]]:
    """Return the captions that each picture may have: its own, or the usual ones.

    Raises:
        InputError: A picture's own caption does not say the word.
    """
    for one in given:
        if word and one.caption and word not in one.caption:
            raise InputError(
                f"{one.name}: its caption {one.caption[:60]!r} does not say {word!r}; put the word into it"
            )
    return [(one.caption,) if one.caption else usual for one in given]


def named(word: str, thing: str) -> str:
    """Return a word and a kind of thing as one phrase with its article.

    >>> named("zorp", "umbrella"), named("", "umbrella"), named("zorp", ""), named("", "")
    ('a zorp umbrella', 'an umbrella', 'a zorp', '')
    """
    words = " ".join(part for part in (word, thing) if part)
    return with_article(words) if words else ""
