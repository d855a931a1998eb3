"""Permutation tests: exact where all arrangements can be counted, seeded random ones otherwise.

Arrangements that tie with the observed one count as extreme, so the smallest exact p of two groups of n is
``1 / C(2n, n)``, and random arrangements give ``(1 + #) / (1 + N)``: never 0.
"""

from __future__ import annotations

import math
from itertools import chain, combinations, product
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from limn.audit.statistics.estimate import Significance, not_tested, readable
from limn.audit.statistics.resampling import Floats, by_prompt
from limn.kernel.errors import InputError

EXACT = 20_000
CHUNK = 4_000_000
Sides = Literal["greater", "two"]


def arrangements(n: int, first: int, *, draws: int = 10_000, seed: int = 0) -> tuple[NDArray[np.bool_], bool]:
    """Return which of n items form the first group, in every arrangement or in random ones.

    Returns:
        Rows of booleans (arrangements, n), and whether they are all there are.
    """
    total = math.comb(n, first)
    if total <= EXACT:
        rows = np.zeros((total, n), bool)
        picks = np.fromiter(chain.from_iterable(combinations(range(n), first)), int, total * first)
        rows[np.repeat(np.arange(total), first), picks] = True
        return rows, True
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(np.arange(n) < first, (draws, 1)), axis=1), False


def compare(observed: float, others: Floats, *, exact: bool, sides: Sides, n: int) -> Significance:
    """Return the p-value of an observed statistic among those of the arrangements.

    ``exact`` says that ``others`` holds every arrangement, the observed one included.
    """
    if sides == "two":
        extreme = abs(others) >= abs(observed) - 1e-12 * (1 + abs(observed))
    else:
        extreme = others >= observed - 1e-12 * (1 + abs(observed))
    count, many = int(extreme.sum()), len(others)
    p = count / many if exact else (1 + count) / (1 + many)
    how = f"{'exact' if exact else f'{many} random arrangements'}, {'two-sided' if sides == 'two' else 'greater'}"
    return Significance(p, float(observed), n, many, how)


def two_samples(
    first: ArrayLike, second: ArrayLike, *, sides: Sides = "two", draws: int = 10_000, seed: int = 0
) -> Significance:
    """Test whether two groups have the same mean; the statistic is first minus second.

    >>> two_samples([1, 2, 3, 4], [5, 6, 7, 8]).p == 2 / 70
    True
    """
    one, two = readable(first), readable(second)
    if not len(one) or not len(two):
        return not_tested("nothing readable in one group", n=len(one) + len(two))
    pool = np.concatenate([one, two])
    rows, exact = arrangements(len(pool), len(one), draws=draws, seed=seed)
    if np.ptp(pool) == 0:
        return not_tested("all values are equal", n=len(pool))
    sums = rows @ pool
    means = sums / len(one) - (pool.sum() - sums) / len(two)
    return compare(float(one.mean() - two.mean()), means, exact=exact, sides=sides, n=len(pool))


def sign_flip(
    differences: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    sides: Sides = "two",
    draws: int = 10_000,
    seed: int = 0,
) -> Significance:
    """Test whether paired differences centre on 0: under the null each may as well have the other sign.

    Give the prompts of pictures: a test over pictures (McNemar's) takes prompts that change in opposite ways for a
    change, since it does not know that pictures of one prompt go together.

    Args:
        differences: After minus before, one a pair (n,).
        groups: The prompt of each pair; its differences are averaged first, and prompts flip.
        sides: ``two`` or ``greater``.
        draws: Random sign patterns, where 2**n is more than 20,000.
        seed: Seed of those.
    """
    values = readable(differences)
    if groups is not None:
        values = np.array([group.mean() for group in by_prompt(differences, groups).values()])
    values = values[values != 0]  # a pair without a difference is the same under both signs
    n = len(values)
    if not n:
        return not_tested("no pair differs")
    exact = 2**n <= EXACT
    if exact:
        means = np.array(list(product((1.0, -1.0), repeat=n))) @ values / n
    else:
        rng, at_once = np.random.default_rng(seed), max(1, CHUNK // n)
        sizes = [min(at_once, draws - start) for start in range(0, draws, at_once)]
        means = np.concatenate([rng.integers(2, size=(size, n), dtype=np.int8) @ values for size in sizes])
        means = (2 * means - values.sum()) / n
    return compare(float(values.mean()), means, exact=exact, sides=sides, n=n)


def by_subject(
    values: ArrayLike,
    second: ArrayLike,
    subjects: ArrayLike,
    *,
    sides: Sides = "two",
    draws: int = 10_000,
    seed: int = 0,
) -> Significance:
    """Test two groups of pictures whose subjects (a person, a template) appear more than once: subjects move whole.

    Subjects are averaged first. Where each belongs to one group, the groups of subjects are rearranged; where each
    appears in both, the two sides of a subject swap.

    Args:
        values: One figure a picture (n,).
        second: Whether a picture is of the second group (n,).
        subjects: The subject of each picture (n,).
        sides: ``two`` or ``greater``; the statistic is first minus second.
        draws: Random arrangements where there are too many to count.
        seed: Seed of those.
    """
    found, labels, later = np.asarray(values, float), np.asarray(subjects), np.asarray(second, bool)
    if not len(found) == len(labels) == len(later):
        raise InputError("values, second and subjects must be equally many")
    one, two = by_prompt(found[~later], labels[~later]), by_prompt(found[later], labels[later])
    both = one.keys() & two.keys()
    if not both:
        means = [[group.mean() for group in side.values()] for side in (one, two)]
        return two_samples(*means, sides=sides, draws=draws, seed=seed)
    if len(both) < len(one.keys() | two.keys()):
        raise InputError("some subjects appear in one group and some in both; keep one kind")
    return sign_flip([one[name].mean() - two[name].mean() for name in one], sides=sides, draws=draws, seed=seed)
