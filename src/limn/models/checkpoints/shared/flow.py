"""Noise levels of flow-matching checkpoints, as the scheduler of diffusers that a folder names places them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from limn.io.configurations import FLAG, Rule, either, number, one_of
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.sampler import Sampler

_WAYS: Final = ("karras", "exponential", "beta")

RULES: Final[Mapping[str, Rule]] = {
    "base_shift": either(number(-100, 100), one_of(None)),
    "invert_sigmas": one_of(False),
    "max_shift": either(number(-100, 100), one_of(None)),
    "shift": number(0.001, 1000),
    "shift_terminal": either(number(0, 0.999), one_of(None)),
    "stochastic_sampling": one_of(False),
    "use_dynamic_shifting": FLAG,
}
"""What limn understands of a ``FlowMatchEulerDiscreteScheduler``."""

Shift = Callable[[int, int], float]
"""The logarithm of the shift (mu), by tokens of the picture and steps of the walk."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scheduled:
    """Levels of a scheduler of diffusers; alpha is 1 - sigma, and ``Level.time`` is the scheduler's timestep.

    Args:
        scheduler: Makes the scheduler with further options.
        patch: Cells of the state along one side of a token.
        mu: The shift where it depends on the picture; ``None`` where the scheduler takes none.
        trailing: Whether t is 1, 1 - 1/steps, ..., 1/steps before it is shifted; else as the scheduler has it.
    """

    scheduler: Callable[..., Any]
    patch: int = 1
    mu: Shift | None = None
    trailing: bool = True

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels for a state (channels, height, width), the last one clean.

        Raises:
            InputError: There is no step, or the spacing is not for such models.
        """
        if steps < 1:
            raise InputError(f"steps: {steps} is not allowed; give at least 1")
        if spacing and spacing not in _WAYS:
            raise InputError(f"spacing: {spacing[:40]!r} is not for this model; give {', '.join(_WAYS)}")
        scheduler = self.scheduler(**({f"use_{spacing}_sigmas": True} if spacing else {}))
        own: dict[str, Any] = {"sigmas": np.linspace(1.0, 1 / steps, steps)} if self.trailing else {}
        if self.mu is not None:
            _, height, width = shape
            own["mu"] = self.mu((height // self.patch) * (width // self.patch), steps)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of numpy, about how torch is turned into it
            scheduler.set_timesteps(*([] if self.trailing else [steps]), **own)
        pairs = zip(scheduler.sigmas.tolist(), scheduler.timesteps.tolist(), strict=False)
        return (*(Level(1 - sigma, sigma, time) for sigma, time in pairs), Level(1.0, 0.0, 0.0))

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return 1: a walk starts from unit noise."""
        return 1.0


@dataclass(frozen=True)
class Linear:
    """A shift whose logarithm grows with the tokens on a line (Esser et al. 2024, section 5.3.2; FLUX.1).

    Args:
        base: At ``few`` tokens.
        most: At ``many`` tokens.
        few: Tokens of a small picture.
        many: Tokens of a large one.
    """

    base: float = 0.5
    most: float = 1.15
    few: int = 256
    many: int = 4096

    def __call__(self, tokens: int, steps: int) -> float:
        """Return mu."""
        slope = (self.most - self.base) / (self.many - self.few)
        return tokens * slope + (self.base - slope * self.few)


def schedule_of(
    fields: Mapping[str, Any], *, patch: int, mu: Shift | None = None, trailing: bool = True
) -> Scheduled:
    """Return the levels of a ``FlowMatchEulerDiscreteScheduler``.

    Args:
        fields: Checked fields of the scheduler.
        patch: Cells of the state along one side of a token.
        mu: A dynamic shift other than the one on a line.
        trailing: As in :class:`Scheduled`.
    """
    from diffusers import FlowMatchEulerDiscreteScheduler

    def scheduler(**options: Any) -> Any:
        return FlowMatchEulerDiscreteScheduler.from_config({**fields, **options})

    own = scheduler().config
    line = Linear(own.base_shift, own.max_shift, own.base_image_seq_len, own.max_image_seq_len)
    shift = (mu or line) if own.use_dynamic_shifting else None
    return Scheduled(scheduler=scheduler, patch=patch, mu=shift, trailing=trailing)
