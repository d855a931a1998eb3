"""Averages over prompts: pictures of one prompt resemble each other, so prompts are what is resampled.

Pooling 30 prompts of 40 pictures and using a binomial interval covers the truth in about half of the audits; the
prompts are the sample. The bootstrap draws prompts, then pictures within each. Drawing both with replacement counts
the noise of the pictures twice, so the prompts' means are first shrunk towards their mean by the share of their
spread that is picture noise (Davison and Hinkley 1997, section 3.8); the draws then spread as observed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import Estimate, check_level, from_draws, not_estimable
from limn.audit.statistics.resampling import Floats, bootstrap, by_prompt, resampled

__all__ = ["Floats", "bootstrap", "by_prompt", "clustered_mean", "design_effect", "paired_difference", "resampled"]


def clustered_mean(
    values: ArrayLike, prompts: ArrayLike, *, few: int = 20, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Return the mean over prompts of their means, with an interval that holds for other prompts of the same kind.

    Two conditions with the same seeds (a prompt and its edited form on one model) are compared by passing the
    differences ``after - before`` of the pairs.

    Args:
        values: One figure a picture (n,), 0 or 1 for a share; NaN where unreadable.
        prompts: The prompt of each picture (n,).
        few: Below this many prompts a t interval of the prompts' means is given, and ``how`` says so.
        level: Confidence level.
        draws: Bootstrap draws.
        seed: Seed of the bootstrap.
    """
    groups = by_prompt(values, prompts)
    flat = np.concatenate([*groups.values(), np.empty(0)])
    cells = [(group, np.zeros(1)) for group in groups.values()]
    bounds = (0.0, 1.0) if np.isin(flat, (0, 1)).all() else (-math.inf, math.inf)
    return _interval(cells, bounds, len(flat), few, level, draws, seed)


def paired_difference(
    first: ArrayLike,
    first_prompts: ArrayLike,
    second: ArrayLike,
    second_prompts: ArrayLike,
    *,
    few: int = 20,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Return the difference of two models' means, first minus second, paired by prompt.

    Only prompts that are readable for both count; seeds of different models are not pairs, so pictures are resampled
    on each side alone. Arguments as in ``clustered_mean``.
    """
    one, two = by_prompt(first, first_prompts), by_prompt(second, second_prompts)
    cells = [(one[name], two[name]) for name in one if name in two]
    flat = np.concatenate([*(side for cell in cells for side in cell), np.empty(0)])
    bounds = (-1.0, 1.0) if np.isin(flat, (0, 1)).all() else (-math.inf, math.inf)
    return _interval(cells, bounds, len(flat), few, level, draws, seed)


def _interval(
    cells: list[tuple[Floats, Floats]],
    bounds: tuple[float, float],
    n: int,
    few: int,
    level: float,
    draws: int,
    seed: int,
) -> Estimate:
    """Return the mean over prompts of (mean of the first side - mean of the second side)."""
    many = len(cells)
    if many < 2:
        why = (
            "nothing readable" if not many else "one prompt only; its own share has an interval, an average has none"
        )
        return not_estimable(why, n=n, level=check_level(level))
    means = np.array([first.mean() - second.mean() for first, second in cells])
    value = float(means.mean())
    if np.ptp(means) == 0:
        return _no_spread(value, bounds, many, n, level)
    if many < few:
        from scipy.special import stdtrit

        spread = float(stdtrit(many - 1, (1 + level) / 2)) * means.std(ddof=1) / math.sqrt(many)
        low, high = np.clip([value - spread, value + spread], *bounds)
        return Estimate(value, float(low), float(high), level, n, f"t interval of {many} prompts (fewer than {few})")
    found = np.clip(_two_levels(cells, means, draws, np.random.default_rng(seed)), *bounds)
    return from_draws(value, found, level=level, n=n, how=f"bootstrap of {many} prompts, then pictures")


def _no_spread(value: float, bounds: tuple[float, float], many: int, n: int, level: float) -> Estimate:
    """Return the bound for a share that is 0 or 1 at every prompt; other figures without spread have no interval."""
    if bounds == (0.0, 1.0) and value in bounds:
        end = (1 - level) ** (1 / many)
        low, high = (0.0, 1 - end) if value == 0 else (end, 1.0)
        return Estimate(value, low, high, level, n, f"one-sided Clopper-Pearson of {many} prompts, all alike")
    return not_estimable(
        f"all {many} prompts give {value:.4g}: no spread to build an interval from", n=n, level=level
    )


def _two_levels(cells: list[tuple[Floats, Floats]], means: Floats, draws: int, rng: np.random.Generator) -> Floats:
    many = len(cells)
    noise = float(np.mean([first.var() / len(first) + second.var() / len(second) for first, second in cells]))
    shrink = math.sqrt(max(0.0, means.var(ddof=1) - noise) / means.var())
    centres = means.mean() + shrink * (means - means.mean())
    picked = rng.integers(many, size=draws * many)
    drawn = [
        centre - mean + _means(first, times, rng) - _means(second, times, rng)
        for centre, mean, (first, second), times in zip(
            centres, means, cells, np.bincount(picked, minlength=many).tolist(), strict=True
        )
    ]
    found = np.empty(draws * many)
    found[np.argsort(picked, kind="stable")] = np.concatenate(drawn)
    return np.asarray(found.reshape(draws, many).mean(1))


def _means(values: Floats, times: int, rng: np.random.Generator) -> Floats:
    """Return means of resampled pictures; zeros and ones need one binomial draw each."""
    if np.isin(values, (0, 1)).all():
        return np.asarray(rng.binomial(len(values), values.mean(), times) / len(values))
    return np.asarray(values[rng.integers(len(values), size=(times, len(values)))].mean(1))


def design_effect(
    values: ArrayLike, prompts: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Return the design effect: the clustered variance of the mean over that of as many unrelated pictures.

    1 means that prompts do not matter. The clustered standard error is that of the mean of all pictures, prompts
    weighing by their pictures (Kish 1965); the interval resamples prompts.
    """
    groups = list(by_prompt(values, prompts).values())
    n = sum(map(len, groups))
    if len(groups) < 2 or np.ptp(np.concatenate(groups)) == 0:
        return not_estimable("needs two prompts and values that differ", n=n, level=check_level(level))
    sums = np.array([[len(group), group.sum(), (group**2).sum()] for group in groups])
    picks = np.random.default_rng(seed).integers(len(groups), size=(draws, len(groups)))
    found = np.array([_effect(sums[row]) for row in picks])
    return from_draws(_effect(sums), found, level=level, n=n, how=f"bootstrap of {len(groups)} prompts")


def _effect(sums: Floats) -> float:
    count, total, square = sums.sum(0)
    mean, many = total / count, len(sums)
    plain = (square / count - mean**2) / (count - 1)
    clustered = many / (many - 1) * ((sums[:, 1] - mean * sums[:, 0]) ** 2).sum() / count**2
    return float(clustered / plain) if plain > 0 else math.nan
