"""Guidance away from the model's own answer with some of its layers weakened."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Weakened(Guidance):
    """Base of guidances that add ``scale * (base - weakened)`` to ``main``.

    Args:
        scale: From 0 to 100; 0 asks nothing more and changes nothing.
        layers: Which layers, counted from 0 at the input; the middle one when empty.
        low: Guide only above this noise over signal.
        high: Guide only up to this noise over signal; without a limit when ``None``.
    """

    branch: ClassVar[str]
    """What the weakened answer is called."""

    scale: float = 3.0
    layers: tuple[int, ...] = ()
    low: float = 0.0
    high: float | None = None

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)
        self.check_levels(self.low, self.high)
        if any(layer < 0 for layer in self.layers):
            raise InputError(f"layers: {min(self.layers)} is not allowed; layers are counted from 0")

    @abstractmethod
    def edit(self) -> AttentionEdit:
        """Return what weakens the layers."""

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask once more with weakened layers."""
        if self.scale == 0 or not step.level.within(self.low, self.high):
            return branches
        return {**branches, self.branch: branches["main"].edited(self.edit())}

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Add ``scale * (base - weakened)`` to ``main``."""
        if self.branch not in predictions:
            return predictions
        main = predictions["main"]
        base = predictions.get("base", main)
        return {**predictions, "main": main + self.scale * (base - predictions[self.branch])}


def named(layers: tuple[int, ...], site: AttentionSite) -> bool:
    """Say whether a site is in one of the layers; the middle layer stands for none given."""
    if layers and max(layers) >= site.layers:
        raise InputError(f"layers: there is no layer {max(layers)}; this model's are 0 to {site.layers - 1}")
    middle = site.layers // 2 if site.middle is None else site.middle
    return site.layer in (layers or (middle,))
