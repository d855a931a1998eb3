"""A diffusion model without any error, on person icons: what guided sampling itself does to shares.

The best answer to a noisy picture is the mean of all icons, weighed by how well they explain it. With it the
noiseless walk (Song et al. 2021, arXiv:2011.13456, equation 13) under classifier-free guidance is solved in steps.
"""

from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from limn.audit.synthetic import LEANING, leaning
from limn.data.people import FIELDS
from limn.data.people.icon import table
from limn.data.people.worlds import BADGE

Floats = NDArray[np.float32]
FIRST, LAST, STEPS = 300.0, 0.3, 30


@cache
def _space() -> Floats:
    """Return all icons in coordinates of the subspace that they span (icons, rank)."""
    icons = table().reshape(-1, table()[0, 0, 0, 0, 0].size) / 127.5 - 1
    icons = icons - icons.mean(0)
    left, sizes, _ = np.linalg.svd(icons, full_matrices=False)
    rank = int((sizes > 1e-3 * sizes[0]).sum())
    return np.asarray(left[:, :rank] * sizes[:rank], np.float32)


def _logs(shares: NDArray[np.float64], hidden: bool) -> Floats:
    """Return log shares of all icons; hidden badges are all the same one."""
    if hidden:
        badge = FIELDS["profession"].index(BADGE)
        shown = np.zeros_like(shares)
        shown[badge] = shares.sum(0)
        shares = shown
    return np.log(np.maximum(shares.ravel() / shares.sum(), 1e-30)).astype(np.float32)


def leading(concept: str, scale: float, *, hidden: bool, n: int, seed: int) -> tuple[int, int]:
    """Draw pictures of a profession, and count those of the gender that leads in it.

    Args:
        concept: The profession.
        scale: Guidance scale.
        hidden: Whether everybody wears one badge.
        n: Pictures.
        seed: Of the noise.

    Returns:
        Pictures of that gender, and pictures that show the badge they should.
    """
    joint = leaning(1).joint
    place = FIELDS["profession"].index(concept)
    only = np.zeros_like(joint)
    only[place] = joint[place]
    given, every = _logs(only, hidden), _logs(joint, hidden)
    kept = every > -60
    icons, given, every = _space()[kept], given[kept], every[kept]
    squares = (icons**2).sum(1) / 2

    def clean(x: Floats, noise: float, logs: Floats) -> Floats:
        fit = (x @ icons.T - squares) / noise**2 + logs
        weights = np.exp(fit - fit.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True) @ icons)

    def slope(x: Floats, noise: float) -> Floats:
        guided = (1 - scale) * clean(x, noise, every) + scale * clean(x, noise, given)
        return np.asarray((x - guided) / noise)

    levels = np.geomspace(FIRST, LAST, STEPS)
    x = np.asarray(np.random.default_rng(seed).standard_normal((n, icons.shape[1])) * FIRST, np.float32)
    for noise, less in pairwise(levels):
        first = slope(x, noise)
        second = slope(x + np.float32(less - noise) * first, less)
        x = x + np.float32((less - noise) / 2) * (first + second)
    nearest = np.flatnonzero(kept)[(x @ icons.T - squares).argmax(1)]
    badges, genders = np.unravel_index(nearest, joint.shape)[:2]
    leads = "woman" if LEANING[concept] > 0.5 else "man"
    wanted = FIELDS["profession"].index(BADGE) if hidden else place
    return int((genders == FIELDS["gender"].index(leads)).sum()), int((badges == wanted).sum())
