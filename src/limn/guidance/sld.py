"""Safe latent diffusion: away from a concept, only where and as much as the picture goes towards it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step

STEPS = 50  # the walk for which the presets were published
GAP = 0.01  # the usual |main - concept| of Stable Diffusion, to which scale and threshold are calibrated

PRESETS = {
    "weak": {"threshold": 0.0, "scale": 20.0, "warmup": 15.0, "momentum": 0.0, "beta": 0.0},
    "medium": {"threshold": 0.01, "scale": 1000.0, "warmup": 10.0, "momentum": 0.3, "beta": 0.4},
    "strong": {"threshold": 0.025, "scale": 2000.0, "warmup": 7.0, "momentum": 0.5, "beta": 0.7},
    "max": {"threshold": 1.0, "scale": 5000.0, "warmup": 0.0, "momentum": 0.5, "beta": 0.7},
}

LIMITS = {
    "threshold": (-math.inf, math.inf, "a finite number"),
    "scale": (0.0, math.inf, "a finite number from 0"),
    "warmup": (0.0, math.inf, "a finite number from 0"),
    "momentum": (0.0, 1.0, "a number from 0 to 1"),
    "beta": (0.0, 1.0, "a number from 0 to 1"),
}


@dataclass(frozen=True, kw_only=True)
class SLD(Guidance):
    """Subtract safety guidance from the noise before it is amplified (Schramowski et al. 2023, equations 3 to 8).

    With ``gap = main - concept`` for each value of the picture, and ``m`` starting at 0::

        mu     = min(1, scale * |gap|)  where gap < threshold, else 0
        gamma  = mu * (concept - null) + momentum * m
        m      = beta * m + (1 - beta) * gamma
        main   = main - gamma           once the warm-up is over

    Classifier-free guidance of scale s then gives ``null + s * (main - null - gamma)``, as published. The memory m
    is kept from the first step on, also during the warm-up.

    Scale and threshold were published for Stable Diffusion and gaps of about 0.01; the gaps of another model may be
    several times larger, and then the presets act alike. With ``units="own"`` a picture's gaps at a step are
    therefore scaled to a mean magnitude of 0.01, so that a preset means the same for every model.
    ``units="paper"`` is the formula as it stands, for Stable Diffusion and for comparisons.

    Args:
        concept: What the picture should keep away from.
        preset: Values for all options below that are not given: ``weak``, ``medium``, ``strong`` or ``max``.
        threshold: Guide values whose gap is below this (lambda in the paper).
        scale: How fast guidance grows with the gap (s_S), at least 0.
        warmup: Steps without guidance, of a walk of 50; longer and shorter walks have the same share (delta).
        momentum: Weight of the memory of earlier guidance (s_m), from 0 to 1.
        beta: How much of the memory stays at each step, from 0 to 1.
        units: ``own`` or ``paper``, see above.

    >>> SLD(preset="strong", scale=500.0).values["scale"]
    500.0
    """

    paper: ClassVar[str] = "schramowski2023safe"
    aliases: ClassVar[tuple[str, ...]] = ("safety", "safe_latent_diffusion")
    rank: ClassVar[Rank] = Rank.REFINE
    space: ClassVar[str] = "noise"

    concept: str = "violence, suffering, humiliation, blood, weapons, hate, harassment, cruelty"
    preset: Literal["weak", "medium", "strong", "max"] = "medium"
    threshold: float | None = None
    scale: float | None = None
    warmup: float | None = None
    momentum: float | None = None
    beta: float | None = None
    units: Literal["own", "paper"] = "own"

    def __post_init__(self) -> None:
        Prompt(self.concept)
        if self.preset not in PRESETS:
            raise InputError(f"preset: {self.preset!r} is not known; give weak, medium, strong or max")
        for name, value in self.values.items():
            low, high, allowed = LIMITS[name]
            if not (math.isfinite(value) and low <= value <= high):
                raise InputError(f"{name}: {value} is not allowed; give {allowed}")

    @property
    def values(self) -> dict[str, float]:
        """The five numbers, those given before those of the preset."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value if given[name] is None else given[name] for name, value in PRESETS[self.preset].items()}

    def acts(self, step: Step) -> bool:
        """Say whether a step is past the warm-up."""
        return step.index >= math.ceil(self.values["warmup"] * step.total / STEPS - 1e-6)

    def asks(self, step: Step) -> bool:
        """Say whether a step needs the concept: to act, or to remember it for when it will."""
        values = self.values
        remembers = values["momentum"] > 0 and values["warmup"] < STEPS
        return values["scale"] > 0 and (self.acts(step) or remembers)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask about the concept, and once without words."""
        if not self.asks(step):
            return branches
        main = branches["main"]
        null = branches.get("null", main.without("text"))
        return {**branches, "null": null, "safety": main.saying(self.concept)}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Take gamma from ``main``."""
        if not self.asks(step):
            return predictions
        main, concept, values = predictions["main"], predictions["safety"], self.values
        gap = self._gap(main, concept)
        mu = torch.where(gap < values["threshold"], (values["scale"] * gap.abs()).clamp(max=1), 0)
        past = step.memory.get("momentum", torch.zeros_like(main))
        gamma = mu * (concept - predictions["null"]) + values["momentum"] * past
        step.memory["momentum"] = (values["beta"] * past + (1 - values["beta"]) * gamma).detach()
        return {**predictions, "main": main - gamma} if self.acts(step) else predictions

    def _gap(self, main: Tensor, concept: Tensor) -> Tensor:
        gap = main - concept
        if self.units == "paper":
            return gap
        usual = gap.abs().mean(tuple(range(1, gap.ndim)), keepdim=True)
        return gap * (GAP / usual.clamp(min=1e-12))
