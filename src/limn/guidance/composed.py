"""Composed prompts: several wishes in one picture, each with its own weight; a negative weight says NOT."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

MAX_WEIGHT = 100.0


@dataclass(frozen=True, kw_only=True)
class Composed(Guidance):
    """Add ``weight * (its answer - null)`` for each further prompt (Liu et al. 2022, conjunction and negation).

    With classifier-free guidance of scale s the picture then follows ``null + s * sum_i w_i (c_i - null)``, in which
    the picture's own prompt has the weight 1. The formula is affine, so it is the same in every space. A prompt of
    weight 0 is not asked.

    Args:
        prompts: What else is wanted, as ``a cat|a dog`` on the command line; without any, nothing changes.
        weights: One for each prompt, from -100 to 100, negative for what is not wanted; all 1 when left out.

    >>> Composed(prompts=("a cat", "a dog"), weights=(1.0, -0.5)).terms
    {'composed 1': ('a cat', 1.0), 'composed 2': ('a dog', -0.5)}
    """

    paper: ClassVar[str] = "liu2022composable"
    aliases: ClassVar[tuple[str, ...]] = ("composable", "composable_diffusion")
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"

    prompts: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.prompts):
            count = len(self.prompts)
            raise InputError(f"weights: {len(self.weights)} given for {count} prompts; give one for each")
        for text in self.prompts:
            Prompt(text)
        for weight in self.weights:
            if not -MAX_WEIGHT <= weight <= MAX_WEIGHT:
                raise InputError(f"weights: {weight} is not allowed; give numbers from -100 to 100")

    @property
    def terms(self) -> dict[str, tuple[str, float]]:
        """Text and weight of each prompt that counts, by the name of its branch."""
        weights = self.weights or (1.0,) * len(self.prompts)
        pairs = enumerate(zip(self.prompts, weights, strict=True), 1)
        return {f"composed {place}": (text, weight) for place, (text, weight) in pairs if weight}

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask about each prompt, and once without words."""
        if not self.terms:
            return branches
        main = branches["main"]
        asked = {name: main.saying(text) for name, (text, _) in self.terms.items()}
        return {**branches, "null": branches.get("null", main.without("text")), **asked}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add what each prompt changes, times its weight."""
        main = predictions["main"]
        for name, (_, weight) in self.terms.items():
            main = main + weight * (predictions[name] - predictions["null"])
        return {**predictions, "main": main}
