"""UniPC: predict the next state from the last answers, and correct it once the next answer is there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.sampler import Grid, Predict, Sampler
from limn.kernel.step import Step

_NOISIEST = 1e6  # noise over signal that stands for pure noise, as in diffusers


@dataclass(frozen=True, kw_only=True)
class UniPC(Sampler):
    """The unified predictor-corrector of Zhao et al. 2023 (algorithms 1 and 2, with ``B(h) = e^h - 1``).

    The corrector uses the answer of the next step, so a step takes one prediction; the last steps fall in order.

    Args:
        solver_order: Answers that the predictor uses, from 1 to 3; 3 is for walks without strong guidance.
        corrector: Whether states are corrected.
    """

    paper: ClassVar[str] = "zhao2023unipc"
    aliases: ClassVar[tuple[str, ...]] = ("uni_pc",)
    order: ClassVar[int] = 2
    grid: ClassVar[Grid] = "inner"

    solver_order: int = 2
    corrector: bool = True

    def __post_init__(self) -> None:
        if self.solver_order not in (1, 2, 3):
            raise InputError(f"sampler unipc: solver_order={self.solver_order} is not allowed; give 1, 2 or 3")

    def advance(self, step: Step, clean: Tensor, predict: Predict) -> Tensor:
        """Step as :meth:`Sampler.advance` says."""
        x, past = step.x, step.memory.get("past", ())
        if past and self.corrector:
            x = _move(step.memory["x"], past[-step.memory["order"] :], step.level, clean)
        past = (*past[-2:], (step.level, clean))
        order = min(self.solver_order, len(past), step.total - step.index)
        step.memory.update(past=past, x=x, order=order)
        return _move(x, past[-order:], step.next)


def _move(x: Tensor, past: Sequence[tuple[Level, Tensor]], there: Level, clean: Tensor | None = None) -> Tensor:
    """Return the state at ``there`` from ``x``, that of the last answer; corrected by the answer there, if given."""
    *before, (here, last) = past
    h = _log_ratio(here) - _log_ratio(there)
    places = [(_log_ratio(here) - _log_ratio(level)) / h for level, _ in reversed(before)]
    slopes = [(answer - last) / place for place, (_, answer) in zip(places, reversed(before), strict=True)]
    if clean is not None:
        places, slopes = [*places, 1.0], [*slopes, clean - last]
    x = there.alpha * last + there.sigma / here.sigma * (x - here.alpha * last)
    for weight, slope in zip(_weights(places, h), slopes, strict=True):
        x = x - there.alpha * math.expm1(-h) * weight * slope
    return x


def _weights(places: Sequence[float], h: float) -> list[float]:
    """Return the weights of slopes (equation 6 of the paper), by their places in units of the step h."""
    if len(places) < 2:
        return [0.5] * len(places)
    phi, wanted = math.expm1(-h) / -h - 1, []
    for power in range(1, len(places) + 1):
        wanted.append(phi * math.factorial(power) / math.expm1(-h))
        phi = phi / -h - 1 / math.factorial(power + 1)
    weights = np.linalg.solve(np.vander(places, increasing=True).T, wanted)
    return [float(weight) for weight in weights]


def _log_ratio(level: Level) -> float:
    return math.log(min(level.ratio, _NOISIEST)) if level.sigma else -math.inf
