"""Averages over prompts: pictures of one prompt resemble each other, so the prompt is the unit, not the picture.

Pooling 30 prompts of 40 pictures and using a binomial interval covers the truth in about half of the audits. Every
figure here is a mean over prompts of their means, and its interval rests on how these differ, which is right for any
likeness of pictures within a prompt. A share, a difference and any other figure have functions of their own, since
their intervals have other ends.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.estimate import (
    Difference,
    Estimate,
    Kind,
    Share,
    check_level,
    from_draws,
    t_quantile,
    welch,
)
from limn.audit.statistics.resampling import Floats, by_prompt
from limn.audit.statistics.shares import wilson_ends
from limn.kernel.errors import InputError

ONE = "one prompt only; its own share has an interval, an average has none"


def clustered_share(values: ArrayLike, prompts: ArrayLike, *, level: float = 0.95) -> Share:
    """Return a mean share over prompts, with an interval that holds for other prompts of the same kind.

    Wilson's interval with the number of unrelated pictures that would vary as much as the prompts do (Korn and
    Graubard 1998), and the t quantile for their number: it covers rare shares and prompts that are all or nothing,
    where an interval that is symmetric about the mean does not.

    Args:
        values: From 0 to 1, one a picture (n,); NaN where unreadable.
        prompts: The prompt of each picture (n,).
        level: Confidence level.

    Raises:
        InputError: If a value is not from 0 to 1; the mean of differences is for :func:`paired_change`.
    """
    groups = by_prompt(values, prompts)
    means, n = _means(groups), sum(map(len, groups.values()))
    if any(((group < 0) | (group > 1)).any() for group in groups.values()):
        raise InputError("a share lies from 0 to 1; give differences to paired_change")
    if len(means) < 2:
        return Share.none(ONE if len(means) else "nothing readable", n=n, level=check_level(level))
    many, mean = len(means), float(means.mean())
    spread = float(means.std(ddof=1)) / math.sqrt(many)
    if spread < 1e-12 and mean in (0, 1):
        end = (1 - check_level(level)) ** (1 / many)
        low, high = (0.0, 1 - end) if mean == 0 else (end, 1.0)
        return Share(mean, low, high, level, n, f"one-sided Clopper-Pearson of {many} prompts, all alike")
    worth = float(many) if spread < 1e-12 else min(mean * (1 - mean) / spread**2, float(n))
    low, high = wilson_ends(mean, worth, t_quantile(level, many - 1))
    return Share(mean, low, high, level, n, f"Wilson with the effective size {worth:.3g} of {many} prompts")


def clustered_mean(values: ArrayLike, prompts: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return the mean of any figure over prompts, with the t interval of the prompts' means.

    Args:
        values: One figure a picture (n,); NaN where unreadable. A share is for :func:`clustered_share`.
        prompts: The prompt of each picture (n,).
        level: Confidence level.
    """
    groups = by_prompt(values, prompts)
    whole = all(np.isin(group, (-1, 0, 1)).all() for group in groups.values())
    return _t_interval(_means(groups), sum(map(len, groups.values())), level, Estimate, whole)


def paired_change(after: ArrayLike, before: ArrayLike, prompts: ArrayLike, *, level: float = 0.95) -> Difference:
    """Return the mean change, after minus before, of pairs of pictures of one prompt and seed.

    Args:
        after: One figure a pair (n,), as the edited prompt or the changed model has it; NaN drops the pair.
        before: As ``after``.
        prompts: The prompt of each pair (n,).
        level: Confidence level.
    """
    found = clustered_mean(np.asarray(after, float) - np.asarray(before, float), prompts, level=level)
    return found.as_a(Difference)


def paired_difference(
    first: ArrayLike,
    first_prompts: ArrayLike,
    second: ArrayLike,
    second_prompts: ArrayLike,
    *,
    level: float = 0.95,
) -> Difference:
    """Return the difference of two models' means, first minus second, paired by prompt.

    Only prompts that are readable for both count; seeds of different models are not pairs. Arguments as in
    :func:`clustered_share`.
    """
    one, two = by_prompt(first, first_prompts), by_prompt(second, second_prompts)
    both = [name for name in one if name in two]
    means = np.array([one[name].mean() - two[name].mean() for name in both])
    n = sum(len(one[name]) + len(two[name]) for name in both)
    whole = all(np.isin(side[name], (0, 1)).all() for name in both for side in (one, two))
    return _t_interval(means, n, level, Difference, whole)


def unpaired_difference(
    first: ArrayLike,
    first_prompts: ArrayLike,
    second: ArrayLike,
    second_prompts: ArrayLike,
    *,
    level: float = 0.95,
) -> Difference:
    """Return the difference of two models' means, first minus second, that were asked different prompts.

    Welch's interval of the prompts' means. Arguments as in :func:`clustered_share`.
    """
    sides = [by_prompt(first, first_prompts), by_prompt(second, second_prompts)]
    means, n = [_means(side) for side in sides], sum(len(group) for side in sides for group in side.values())
    if min(map(len, means)) < 2:
        return Difference.none(ONE if min(map(len, means)) else "nothing readable", n=n, level=check_level(level))
    parts, sizes = [float(column.var(ddof=1)) / len(column) for column in means], list(map(len, means))
    half, value = (
        t_quantile(level, welch(parts, sizes)) * math.sqrt(sum(parts)),
        float(means[0].mean() - means[1].mean()),
    )
    if half < 1e-12:
        return Difference.none("all prompts of each give the same: no spread", n=n, level=level)
    return Difference(
        value, value - half, value + half, level, n, f"Welch's t interval of {sizes[0]} and {sizes[1]} prompts"
    )


def _means(groups: dict[object, Floats]) -> Floats:
    return np.array([group.mean() for group in groups.values()])


def _t_interval(means: Floats, n: int, level: float, kind: type[Kind], whole: bool) -> Kind:
    """Return the t interval of prompts' means; where none differs, what changes by at most 1 still has a bound."""
    many, value = len(means), float(means.mean()) if len(means) else math.nan
    if many < 2:
        return kind.none(ONE if many else "nothing readable", n=n, level=check_level(level))
    half = t_quantile(level, many - 1) * float(means.std(ddof=1)) / math.sqrt(many)
    if half > 1e-12:
        return kind(value, value - half, value + half, level, n, f"t interval of {many} prompts")
    if not whole:
        return kind.none(f"all {many} prompts give {value:.4g}: no spread", n=n, level=level)
    # Were more than `rest` of all prompts unlike these, so many alike would come up too seldom.
    rest = 1 - (1 - level) ** (1 / many)
    how = f"bound from {many} prompts, all alike"
    return kind(value, value - rest * (1 + value), value + rest * (1 - value), level, n, how)


def design_effect(
    values: ArrayLike, prompts: ArrayLike, *, level: float = 0.95, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Return the design effect: the clustered variance of the mean over that of as many unrelated pictures.

    1 means that prompts do not matter. The clustered standard error is that of the mean of all pictures, prompts
    weighing by their pictures (Kish 1965); the interval resamples prompts.
    """
    groups = list(by_prompt(values, prompts).values())
    n, many = sum(map(len, groups)), len(groups)
    if many < 2 or np.ptp(np.concatenate(groups)) == 0:
        return Estimate.none("needs two prompts and values that differ", n=n, level=check_level(level))
    count, total, square = np.array([[len(group), group.sum(), (group**2).sum()] for group in groups]).T
    columns = np.stack([count, total, square, total**2, total * count, count**2], 1)
    rng = np.random.default_rng(seed)
    sums = [np.bincount(rng.integers(many, size=many), minlength=many) @ columns for _ in range(draws)]
    effects = _effects(np.array([columns.sum(0), *sums]), many)
    return from_draws(float(effects[0]), effects[1:], level=level, n=n, how=f"bootstrap of {many} prompts")


def _effects(sums: Floats, many: int) -> Floats:
    """Return design effects from sums over prompts (draws, 6) of n, t, squares, t^2, t n and n^2."""
    count, total, square, totals, both, counts = sums.T
    mean = total / count
    with np.errstate(invalid="ignore", divide="ignore"):
        plain = (square / count - mean**2) / (count - 1)
        apart = totals - 2 * mean * both + mean**2 * counts
        return np.where(plain > 0, many / (many - 1) * apart / count**2 / plain, math.nan)
