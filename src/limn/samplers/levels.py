"""Noise levels: which ones a network knows, and which of them a walk visits.

A state at a level is ``alpha * clean + sigma * noise``. There are three families: ``Discrete`` timesteps (linear,
scaled-linear and cosine betas; variance preserving), ``Edm`` (alpha is 1) and ``Flow`` (alpha is 1 - t, sigma is t).

Levels are spaced by timesteps: ``leading``, ``trailing`` or ``linspace`` (Lin et al. 2024, table 2), or ``lcm``,
those of a distillation in 50 steps (Luo et al. 2023, section 4.3). Or by their noise over signal between two ends:
``karras`` (Karras et al. 2022, equation 5), ``exponential`` (evenly in its logarithm) or ``beta`` (quantiles of a
beta distribution; Lee et al. 2024).

For discrete timesteps each scheduler of diffusers places its levels in its own way; a sampler says by its class
variable ``grid`` which way is its own, and with it how they are usually spaced:

- ``"whole"``: whole timesteps (DDIM), leading.
- ``"fractional"``: sigmas interpolated at fractional timesteps (Euler, Euler ancestral, Heun), linspace.
- ``"inner"``: whole timesteps, one more than there are steps with the last left out (DPM-Solver++, UniPC), linspace.
- ``"distilled"``: whole timesteps down to the clean state (LCM), lcm.
- ``"trajectory"``: the same, or down to timestep 0, and what is passed on the way to each (TCD), lcm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal, get_args

import numpy as np
import torch

from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.sampler import Sampler

Array = np.ndarray[Any, np.dtype[np.floating[Any]]]

Times = Literal["leading", "trailing", "linspace", "lcm"]
Sigmas = Literal["karras", "exponential", "beta"]

_TIMES: Final = get_args(Times)
_SIGMAS: Final = get_args(Sigmas)
_USUAL: Final = {
    "whole": "leading", "fractional": "linspace", "inner": "linspace", "distilled": "lcm", "trajectory": "lcm",
}  # fmt: skip
_DISTILLED = 50  # steps of the distillation whose timesteps "lcm" takes
_CLEAN = Level(1.0, 0.0, 0.0)
_FLOOR = 2.0**-24  # smallest signal power of a sampler that works with sigma / alpha, as in diffusers


@dataclass(frozen=True, kw_only=True)
class Discrete:
    """Levels of a network trained on discrete timesteps; ``Level.time`` is the timestep.

    Args:
        betas: Noise added at each timestep: linear (Ho et al. 2020), scaled linear (Rombach et al. 2022) or cosine
            (Nichol and Dhariwal 2021).
        beta_start: First beta, for the linear ones.
        beta_end: Last beta, for the linear ones.
        timesteps: How many the network knows.
        spacing: How a walk's timesteps are spaced; ``None`` for the sampler's own way, which LCM keeps.
        steps_offset: Added to the timesteps of leading spacing.
        sigmas: How noise over signal is spaced between the ends that ``spacing`` gives; ``None`` for that of the
            timesteps.
        set_alpha_to_one: Whether a walk over whole timesteps ends clean, or else at the level of timestep 0.
        zero_snr: Rescale the betas so that the last timestep is pure noise (Lin et al. 2024, algorithm 1).
    """

    betas: Literal["linear", "scaled_linear", "cosine"] = "scaled_linear"
    beta_start: float = 0.00085
    beta_end: float = 0.012
    timesteps: int = 1000
    spacing: Times | None = None
    steps_offset: int = 0
    sigmas: Sigmas | None = None
    set_alpha_to_one: bool = True
    zero_snr: bool = False

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels from noise to picture, as diffusers places them for this sampler.

        Raises:
            InputError: If the spacing is unknown, or there are more steps than timesteps.
        """
        inner, whole = sampler.grid == "inner", sampler.grid in ("whole", "distilled", "trajectory")
        way, respace = self._ways(sampler, spacing)
        known = min(self.timesteps, _DISTILLED) if way == "lcm" else self.timesteps - inner
        if not 1 <= steps <= known:
            raise InputError(f"steps: {steps} is not allowed; this model takes 1 to {known} with this sampler")
        table = self._table(floored=self.zero_snr and (respace is not None or not whole))
        times = self._times(way, steps, inner=inner, rounded=sampler.grid != "fractional")
        numbers = np.arange(self.timesteps, dtype=np.float64)
        sigmas = table[times.astype(np.int64)] if whole else np.interp(times, numbers, table)
        if respace is not None:
            ends = (table[-1], table[0]) if inner else (sigmas[0], sigmas[-1])
            sigmas = _respaced(respace, *ends, steps)
            times = np.interp(np.log(sigmas), np.log(table), numbers)
            if inner:
                times = times.round() if respace == "karras" and self.betas != "cosine" else np.floor(times)
        ends_clean = self.set_alpha_to_one or sampler.grid not in ("whole", "trajectory")
        last = _CLEAN if ends_clean else _preserving(table[0], 0.0)
        levels = (*(_preserving(sigma, time) for sigma, time in zip(sigmas, times, strict=True)), last)
        if sampler.grid != "trajectory":
            return levels
        below = (float(table[int(np.float32(sampler.lands(level.time)))]) for level in levels)
        return tuple(
            level if level is _CLEAN else replace(level, below=passed)
            for level, passed in zip(levels, below, strict=True)
        )

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return the factor from unit noise to the state at the first level: sigma, or 1 where diffusers takes 1."""
        if sampler.grid != "fractional" or self._ways(sampler, spacing)[0] == "leading":
            return 1.0
        return self.levels(steps, sampler, spacing)[0].sigma

    def _ways(self, sampler: Sampler, spacing: str) -> tuple[str, str | None]:
        """Return how the timesteps are spaced, and how noise over signal is between their ends, if it is."""
        _check_spacing(spacing, [*_TIMES, *_SIGMAS])
        if spacing in _TIMES:
            return spacing, None
        distilled = sampler.grid in ("distilled", "trajectory")
        own = None if distilled else self.spacing  # a model's own spacing is not a distillation's
        return own or _USUAL[sampler.grid], spacing or self.sigmas

    def _table(self, *, floored: bool) -> Array:
        """Return sigma / alpha of each timestep."""
        power = _signal_power(self.betas, self.beta_start, self.beta_end, self.timesteps, self.zero_snr)
        if floored:
            power = np.maximum(power, _FLOOR)
        with np.errstate(divide="ignore"):
            table: Array = np.sqrt((1 - power) / power)
        return table

    def _times(self, way: str, steps: int, *, inner: bool, rounded: bool) -> Array:
        count, points = self.timesteps, steps + inner
        times: Array
        if way == "linspace":
            times = np.linspace(0, count - 1, points)[::-1][:steps]
            times = times.round() if rounded else times
        elif way == "leading":
            ratio = count // points
            times = np.arange(points)[::-1][:steps] * ratio + float(min(self.steps_offset, ratio - 1))
        elif way == "trailing":
            times = (count - np.arange(steps) * (count / steps)).round() - 1
        else:
            known = min(count, _DISTILLED)
            times = (known - np.floor(np.arange(steps) * (known / steps))) * (count // known) - 1
        return times


@dataclass(frozen=True, kw_only=True)
class Edm:
    """Levels of a network preconditioned as in Karras et al. 2022: alpha is 1, ``Level.time`` is log(sigma) / 4.

    Args:
        sigma_min: Smallest sigma a network is asked about.
        sigma_max: Sigma where a walk starts.
        rho: How much denser the levels are at low noise.
    """

    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels, spaced as ``karras`` unless another way is named, the last one clean."""
        _check_steps(steps)
        _check_spacing(spacing, _SIGMAS)
        sigmas = _respaced(spacing or "karras", self.sigma_max, self.sigma_min, steps, self.rho)
        last = Level(1.0, 0.0, 0.25 * math.log(self.sigma_min))
        return (*(Level(1.0, float(sigma), 0.25 * math.log(sigma)) for sigma in sigmas), last)

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return ``sigma_max``."""
        return self.sigma_max


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Levels of a flow-matching network: alpha is 1 - t, sigma and ``Level.time`` are t in (0, 1].

    Args:
        shift: Above 1, a walk spends more of its steps at high noise (Esser et al. 2024, equation 23).
        spacing: ``"trailing"`` puts t at 1, 1 - 1/steps, ..., 1/steps; ``"linspace"`` at equal distances from 1 to
            1/timesteps, as ``FlowMatchEulerDiscreteScheduler`` of diffusers does.
        timesteps: Gives the smallest t of linspace spacing.
    """

    shift: float = 1.0
    spacing: Literal["trailing", "linspace"] = "trailing"
    timesteps: int = 1000

    def levels(
        self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()
    ) -> tuple[Level, ...]:
        """Return ``steps + 1`` levels, the first pure noise and the last clean."""
        _check_steps(steps)
        _check_spacing(spacing, ("trailing", "linspace", *_SIGMAS))
        way = self.spacing if spacing in ("", *_SIGMAS) else spacing
        # diffusers shifts the smallest t when it is built, and once more with all the others
        last = 1 / steps if way == "trailing" else self._shifted(1 / self.timesteps)
        times = [self._shifted(float(t)) for t in np.linspace(1, last, steps)]
        if spacing in _SIGMAS:
            times = [float(t) for t in _respaced(spacing, times[0], times[-1], steps)]
        return (*(Level(1 - t, t, t) for t in times), _CLEAN)

    def start_scale(self, steps: int, sampler: Sampler, spacing: str = "", shape: Sequence[int] = ()) -> float:
        """Return 1: a walk starts at pure noise."""
        return 1.0

    def _shifted(self, t: float) -> float:
        return self.shift * t / (1 + (self.shift - 1) * t)


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"steps: {steps} is not allowed; give at least 1")


def _preserving(sigma: float, time: float) -> Level:
    """Return the variance-preserving level of a noise-to-signal ratio, which may be infinite."""
    alpha = 1 / math.sqrt(1 + sigma * sigma)
    return Level(alpha, math.sqrt(1 - alpha * alpha), float(time))


def _check_spacing(spacing: str, known: Sequence[str]) -> None:
    if spacing and spacing not in known:
        raise InputError(f"spacing: {spacing[:40]!r} is not for this model; give {', '.join(known)}")


def _respaced(way: str, high: float, low: float, steps: int, rho: float = 7.0) -> Array:
    """Return sigmas from ``high`` to ``low``, spaced as ``karras``, ``exponential`` or ``beta``."""
    ramp = np.linspace(0, 1, steps)
    sigmas: Array
    if way == "karras":
        sigmas = (high ** (1 / rho) + ramp * (low ** (1 / rho) - high ** (1 / rho))) ** rho
    elif way == "exponential":
        sigmas = np.exp(np.linspace(math.log(high), math.log(low), steps))
    else:
        from scipy.special import betaincinv

        sigmas = low + betaincinv(0.6, 0.6, 1 - ramp) * (high - low)
    return sigmas


@lru_cache(maxsize=16)
def _signal_power(betas: str, start: float, end: float, count: int, zero_snr: bool) -> Array:
    """Return alpha squared of each timestep, in the float32 arithmetic that networks were trained with."""
    if betas == "linear":
        table = torch.linspace(start, end, count, dtype=torch.float32)
    elif betas == "scaled_linear":
        table = torch.linspace(start**0.5, end**0.5, count, dtype=torch.float32) ** 2
    else:
        table = torch.tensor(list(_cosine(count)), dtype=torch.float32)
    if zero_snr:
        root = torch.cumprod(1 - table, 0).sqrt()
        power = ((root - root[-1]) * (root[0] / (root[0] - root[-1]))) ** 2
        table = 1 - torch.cat([power[:1], power[1:] / power[:-1]])
    cumulative: Array = torch.cumprod(1 - table, 0).double().numpy()
    cumulative.setflags(write=False)
    return cumulative


def _cosine(count: int) -> Iterable[float]:
    def power(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    return (min(1 - power((i + 1) / count) / power(i / count), 0.999) for i in range(count))
