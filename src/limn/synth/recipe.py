"""What a recipe of prompts is: it says a class in one or several ways."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from limn.audit.probe import STRIDE, Ask
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.seeds import content_seed
from limn.synth.classes import Classes, Thing

SEEDS = ("order", "content")
"""Picture k of a class has seed k, or one that follows from its words and how often they were asked before."""


@dataclass(frozen=True, kw_only=True)
class Recipe(registry.Part):
    """Base of recipes: ``synth/recipes/NAME.py``, or what an entry point of the group ``limn.recipes`` names.

    Args:
        template: What stands around the words, with ``{}`` for them.
        scale: Guidance scale of all its pictures, lower for more variety; the model's own if None.
    """

    paper: ClassVar[str] = "sariyildiz2023fake"

    template: str = "{}"
    scale: float | None = None

    def __post_init__(self) -> None:
        if "{}" not in self.template:
            raise InputError(f"template: {self.template[:60]!r} has no {{}} for the words; write one")

    @abstractmethod
    def ways(self, thing: Thing, classes: Classes) -> Sequence[str]:
        """Return the words for a class; its pictures are shared out among them in turn.

        Raises:
            InputError: The class file lacks what the recipe needs.
        """

    def asks(self, classes: Classes, n: int, *, seed: int = 0, seeds: str = "order") -> tuple[Ask, ...]:
        """Return what is asked for each picture, class by class; more of a class leave the first as they are.

        Args:
            classes: The classes.
            n: Pictures of each.
            seed: First seed.
            seeds: One of :data:`SEEDS`; neither depends on other classes, unless these share its words.
        """
        asks, before = [], Counter[tuple[str, int]]()
        for thing in classes.things:
            ways = [self.template.replace("{}", words) for words in self.ways(thing, classes)]
            for k in range(n):
                prompt = ways[k % len(ways)]
                place = (prompt, -1 if seeds == "content" else seed + k)
                again = before[place]  # where classes share a word, too, every picture is another one
                before[place] += 1
                own = content_seed(prompt, again, seed) if seeds == "content" else seed + k + STRIDE * again
                asks.append(Ask(prompt=prompt, slots={"class": thing.label}, group=thing.label, seed=own))
        return tuple(asks)
