"""A noise level: how much of a state is picture, and how much is noise."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Level:
    """A noise level: the state is ``alpha * clean + sigma * noise``.

    Args:
        alpha: Scale of the clean state, in [0, 1].
        sigma: Scale of the noise, at least 0.
        time: What the network calls this level (a timestep, log sigma, flow time or a share of hidden tokens).
        below: Noise over signal that a step to this level passes through before noise is added
            (:meth:`limn.kernel.sampler.Sampler.lands`), where the schedule has timesteps.

    >>> Level(alpha=0.6, sigma=0.8, time=0.5).ratio
    1.3333333333333335
    """

    alpha: float
    sigma: float
    time: float
    below: float | None = None

    @property
    def ratio(self) -> float:
        """Noise over signal, the sigma of the variance-exploding convention; infinite for pure noise."""
        return math.inf if self.alpha == 0 else self.sigma / self.alpha

    def within(self, low: float, high: float | None) -> bool:
        """Say whether its noise over signal is above ``low`` and at most ``high``; ``None`` is no limit.

        >>> Level(alpha=0.6, sigma=0.8, time=0.5).within(1, None)
        True
        """
        return low < self.ratio <= (math.inf if high is None else high)
