"""Model-based guidance: a second model has a say in the first part of the walk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Mixture(Guidance):
    """Mix the answers of two models, or more, before they are amplified (SINE; Zhang et al. 2023, equation 5).

    ``v * main + (1 - v) * other`` while less than ``until`` of the walk is done, ``main`` alone afterwards. With
    classifier-free guidance of scale s that is ``null + s * (v * main + (1 - v) * other - null)``, whose null is the
    first model's. In SINE the other model is the first one fine-tuned to a single picture, which fixes the layout;
    then the first model alone, which can edit, goes on. Several other models share ``1 - v`` by their weights. The
    weights add up to 1, so the formula is the same in every space.

    Another model is asked in a forward of its own. A low-rank change to the first one (LoRA) is not: its questions
    are rows of the first model's forward.

    Args:
        model: Folder or name of the other model, which must work on the same states and noise levels, or the
            safetensors file of a low-rank change; several as ``a|b``. Without one, nothing changes.
        prompt: What the other model is asked, one text or one for each model; the picture's prompt when left out.
        v: Share of the first model, from 0 to 1; 1 asks nothing more.
        until: Share of the walk that both models do, from 0 to 1; on evenly spaced steps the paper's K of T
            timesteps is ``1 - K / T``, by default 0.6 for 400 of 1000.
        weights: How the other models share ``1 - v``, one number above 0 for each; evenly when left out.

    >>> Mixture(model=("tuned", "second"), v=0.25, weights=(2.0, 1.0)).terms["model 1"]
    ('tuned', '', 0.5)
    """

    paper: ClassVar[str] = "zhang2023sine"
    aliases: ClassVar[tuple[str, ...]] = ("model_based", "sine")
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "any"

    model: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    v: float = 0.7
    until: float = 0.6
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ("v", "until"):
            self.check(name, 0, 1)
        count = len(self.model)
        if self.model and (len(self.prompt) not in (0, 1, count) or len(self.weights) not in (0, count)):
            raise InputError(f"model: {count} given; give as many weights, and one prompt or as many")
        for weight in self.weights:
            if not 0 < weight < 1e6:
                raise InputError(f"weights: {weight} is not allowed; give numbers above 0")
        for text in self.prompt:
            Prompt(text)

    @property
    def adapters(self) -> tuple[str, ...]:
        """The other models, where they have a say at all."""
        return self.model if self.v < 1 and self.until > 0 else ()

    @property
    def terms(self) -> dict[str, tuple[str, str, float]]:
        """Model, text and share of each other model, by the name of its branch."""
        weights = self.weights or (1.0,) * len(self.model)
        texts = self.prompt * len(self.model) if len(self.prompt) == 1 else self.prompt or ("",) * len(self.model)
        shares = [(1 - self.v) * (weight / sum(weights)) for weight in weights]
        terms = zip(self.model, texts, shares, strict=True)
        return {f"model {place}": term for place, term in enumerate(terms, 1)}

    def acts(self, step: Step) -> bool:
        """Say whether the other models have a say at a step."""
        return bool(self.adapters) and step.share < self.until

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask each other model."""
        if not self.acts(step):
            return branches
        main = branches["main"]
        return {
            **branches,
            **{
                name: replace(main.saying(text) if text else main, adapter=model)
                for name, (model, text, _) in self.terms.items()
            },
        }

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Mix the answers."""
        if not self.acts(step):
            return predictions
        main = self.v * predictions["main"]
        for name, (_, _, share) in self.terms.items():
            main = main + share * predictions[name]
        return {**predictions, "main": main}
