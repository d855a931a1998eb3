"""What a statistic returns: a figure with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.kernel.errors import InputError

Kind = TypeVar("Kind", bound="Estimate")


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; ``value`` is None where the data cannot carry one, and ``why`` says the reason.

    Args:
        value: The point estimate, or None.
        low: Lower end of the interval, or None.
        high: Upper end of the interval, or None.
        level: Confidence level of the interval, in (0, 1).
        n: How many readable pictures (or prompts, where ``how`` says so) it rests on.
        how: The method, in words.
        why: Why it is not estimable; empty otherwise.

    >>> print(Estimate(0.69, 0.594, 0.773, n=100, how="Wilson"))
    0.690 [0.594, 0.773] (95 %, n = 100, Wilson)
    >>> print(not_estimable("nothing readable"))
    not estimable (n = 0): nothing readable
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    n: int = 0
    how: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        if self.value is None and not self.why:
            raise InputError("an estimate without a value must say why; pass why=")

    def __str__(self) -> str:
        if self.value is None:
            return f"not estimable (n = {self.n}): {self.why}"
        ends = "" if self.low is None or self.high is None else f" [{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f}{ends} ({100 * self.level:g} %, n = {self.n}, {self.how})"

    @classmethod
    def none(cls, why: str, *, n: int = 0, level: float = 0.95, how: str = "") -> Self:
        """Return the estimate that is none, with its reason."""
        return cls(None, None, None, level, n, how, why)

    def as_a(self, kind: type[Kind]) -> Kind:
        """Return the same figure as one of another kind, whose ends are cut to what such a figure can be."""
        return kind(self.value, self.low, self.high, self.level, self.n, self.how, self.why)

    @property
    def estimable(self) -> bool:
        """Whether there is a value."""
        return self.value is not None

    def covers(self, truth: float) -> bool:
        """Return whether the interval contains a value; one that is not estimable covers nothing."""
        return self.low is not None and self.high is not None and self.low <= truth <= self.high

    def scaled(self, by: float, plus: float = 0.0) -> Estimate:
        """Return the estimate of ``by * value + plus``, for example a complement (``by=-1, plus=1``)."""
        if self.value is None:
            return self.as_a(Estimate)
        ends = [None if end is None else by * end + plus for end in (self.low, self.high)]
        low, high = ends if by >= 0 else ends[::-1]
        return Estimate(by * self.value + plus, low, high, self.level, self.n, self.how)

    def json(self) -> dict[str, float | int | str | None]:
        """Return the fields as plain JSON values; an infinite end becomes None."""
        return {name: _finite(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Share(Estimate):
    """A share, from 0 to 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.value is not None and not -1e-9 <= self.value <= 1 + 1e-9:
            raise InputError(f"{self.value} is no share; a difference has functions of its own")
        _cut(self, 0.0, 1.0)

    def less(self, other: float) -> Difference:
        """Return the difference to a share that is known, such as a reference."""
        return self.scaled(1, -other).as_a(Difference)

    def complement(self) -> Share:
        """Return the share of the others."""
        return self.scaled(-1, 1).as_a(Share)


@dataclass(frozen=True)
class Difference(Estimate):
    """A figure minus another."""


@dataclass(frozen=True)
class Ratio(Estimate):
    """A share over another: 0 or more."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _cut(self, 0.0, math.inf)


def _cut(estimate: Estimate, least: float, most: float) -> None:
    for name in ("low", "high"):
        end = getattr(estimate, name)
        if end is not None:
            object.__setattr__(estimate, name, min(max(end, least), most))


@dataclass(frozen=True)
class Significance:
    """The result of a test; ``p`` is None where nothing could be tested, and ``why`` says the reason.

    Args:
        p: The p-value, or None.
        statistic: The observed statistic.
        n: How many values were tested.
        draws: How many arrangements the observed one was compared with.
        how: The method, in words, with its sidedness.
        why: Why it was not tested; empty otherwise.
    """

    p: float | None
    statistic: float | None = None
    n: int = 0
    draws: int = 0
    how: str = ""
    why: str = ""

    def __str__(self) -> str:
        if self.p is None:
            return f"not tested (n = {self.n}): {self.why}"
        return f"p = {self.p:.3g} (n = {self.n}, {self.how})"

    @property
    def tested(self) -> bool:
        """Whether there is a p-value."""
        return self.p is not None

    def json(self) -> dict[str, float | int | str | None]:
        """Return the fields as plain JSON values."""
        return {name: _finite(value) for name, value in asdict(self).items()}


def _finite(value: float | int | str | None) -> float | int | str | None:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_level(level: float) -> float:
    """Return a confidence level, or raise InputError when it is not in (0, 1)."""
    if not 0 < level < 1:
        raise InputError(f"level must be in (0, 1), got {level}; use 0.95 for 95 %")
    return level


def normal_quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + check_level(level)) / 2)


def t_quantile(level: float, free: float) -> float:
    """Return the two-sided quantile of Student's t with so many degrees of freedom: 12.7 for 0.95 and 1."""
    from scipy.special import stdtrit

    return float(stdtrit(free, (1 + check_level(level)) / 2))


def welch(variances: Sequence[float], sizes: Sequence[int]) -> float:
    """Return Welch and Satterthwaite's degrees of freedom of a sum of means.

    Args:
        variances: Of the mean of each group.
        sizes: Of each group, 2 or more.

    >>> welch([0.1, 0.1], [5, 5])
    8.0
    """
    parts = sum(variance**2 / (size - 1) for variance, size in zip(variances, sizes, strict=True))
    return sum(variances) ** 2 / parts if parts > 0 else float(sum(sizes) - len(sizes))


def not_estimable(why: str, *, n: int = 0, level: float = 0.95, how: str = "") -> Estimate:
    """Return the estimate that is none, with its reason; other kinds have ``Share.none`` and so on."""
    return Estimate.none(why, n=n, level=level, how=how)


def not_tested(why: str, *, n: int = 0, how: str = "") -> Significance:
    """Return the test that was not made, with its reason."""
    return Significance(None, None, n, 0, how, why)


def from_draws(value: float, draws: ArrayLike, *, level: float, n: int, how: str) -> Estimate:
    """Return an estimate whose interval is the middle ``level`` of bootstrap draws; NaN draws are left out."""
    values = readable(draws)
    if not values.size:
        return not_estimable("no bootstrap draw could be computed", n=n, level=level, how=how)
    tail = 100 * (1 - check_level(level)) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high), level, n, how)


def readable(values: ArrayLike) -> NDArray[np.float64]:
    """Return the values that are not NaN, as one flat float array (None counts as NaN)."""
    flat = np.asarray(values, float).ravel()
    return np.asarray(flat[~np.isnan(flat)])
