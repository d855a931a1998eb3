"""Guidance by the gradient of a score: what would raise it is added to the answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step

_FAINT = 1e-3

Through = Literal["model", "clean", "secondary"]
"""What a gradient passes on its way from the score to the noisy state."""


@dataclass(frozen=True, kw_only=True)
class Gradient(Guidance):
    """Base of guidances that climb a score of the clean state, each picture its own.

    To draw from ``p(x) * exp(scale * score)`` the noise is changed by ``-sigma * scale * g``, where ``g`` is the
    gradient of the score with respect to the noisy state x (Dhariwal and Nichol 2021, algorithm 2). In terms of the
    clean state that is ::

        main + sigma^2 / alpha * scale * g

    and moves the mean of a DDPM step by its variance times ``scale * g`` (algorithm 1), to first order. Pure noise
    holds nothing of a picture yet: nothing is asked there, unless the gradient stops at the clean state.

    Args:
        scale: Size of the step, from 0; 0 asks nothing more and changes nothing.
        through: ``model``: back through the model to x, exact and about three times the work; the score is taken at
            the guided answer and its slope follows the model's own answer to the prompt. ``clean``: the gradient
            with respect to the clean state, taken to x by ``alpha / (alpha^2 + sigma^2)``, which is what the model's
            derivative is for data of unit variance, and tends to 1 / alpha as the noise falls. ``secondary``: back
            through a smaller model.
        secondary: The smaller model, an adapter or another model of this kind; it answers the same prompt.
        normalise: Take only the direction from the gradient: a picture moves by ``scale * sigma^2 / (alpha^2 +
            sigma^2)``, root mean square over its values.
    """

    rank: ClassVar[Rank] = Rank.NUDGE

    scale: float = 1.0
    through: Through = "clean"
    secondary: str = ""
    normalise: bool = False

    def __post_init__(self) -> None:
        self.check("scale", 0, 1_000_000)
        if (self.through == "secondary") != bool(self.secondary):
            raise InputError("secondary: name the adapter together with through=secondary, and only then")

    @property
    def adapters(self) -> tuple[str, ...]:
        """The smaller model, if one is named."""
        return (self.secondary,) if self.secondary else ()

    @property
    def path(self) -> Literal["model", "clean", "secondary", "state"]:
        """What the gradient passes: as ``through`` says, or ``"state"`` for a score of the noisy state itself."""
        return self.through

    def score(self, state: Tensor, step: Step) -> Tensor:
        """Return how good each state is (pictures,), differentiable.

        Args:
            state: Clean states (pictures, ...), or the noisy ones where that is the path.
            step: Where the walk stands.
        """
        raise TypeError(f"{type(self).__name__} does not say what it climbs")

    def active(self, step: Step) -> bool:
        """Say whether this step is guided."""
        return self.scale != 0 and (self.path == "clean" or step.level.alpha >= _FAINT)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask for a gradient where the score's passes the model, or ask the smaller model as well."""
        if not self.active(step) or self.path in ("clean", "state"):
            return branches
        main = branches["main"]
        if self.path == "model":
            return {**branches, "main": replace(main, gradient=True)}
        small = replace(main, adapter=self.secondary, attention=None, gradient=True)
        return {**branches, self._small: small}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add the pull to ``main``; outside a run, where no prompt is known, nothing is done."""
        if not step.prompts or not self.active(step):
            return predictions
        pull = self.pull(predictions, step)
        if self.normalise:
            size = pull.flatten(1).float().square().mean(1).sqrt().to(pull).view(-1, *[1] * (pull.ndim - 1))
            pull = torch.where(size > 0, pull * (_spread(step) / size), torch.zeros_like(pull))
        return {**predictions, "main": predictions["main"] + self.scale * pull}

    def pull(self, predictions: Predictions, step: Step) -> Tensor:
        """Return sigma^2 / alpha times the gradient of the score with respect to the noisy state."""
        with torch.enable_grad():
            state, source, factor = self._scored(predictions, step)
            (slope,) = torch.autograd.grad(self.score(state, step).sum(), source, retain_graph=True)
        return factor * slope

    @property
    def _small(self) -> str:
        return f"through {self.secondary}"

    def _scored(self, predictions: Predictions, step: Step) -> tuple[Tensor, Tensor, float]:
        """Return the state to score, what it is differentiated by, and what the slope is multiplied by."""
        main = predictions["main"].detach()
        if self.path == "clean":
            main.requires_grad_(True)
            return main, main, _spread(step)
        factor = step.level.sigma**2 / step.level.alpha
        if self.path == "state":
            x = step.x.detach().requires_grad_(True)
            return x, x, factor
        if self.path == "secondary":
            return predictions[self._small], step.x, factor
        own = predictions.get("base", predictions["main"])
        return main + (own - own.detach()), step.x, factor


def _spread(step: Step) -> float:
    """Return the variance of the clean state given the noisy one, for data of unit variance."""
    power = step.level.sigma**2
    return power / (step.level.alpha**2 + power)
