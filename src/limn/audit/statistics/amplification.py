"""What a faithful model should show: the share among captions that do not say it, and what guidance does to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from limn.audit.statistics.resampling import Floats
from limn.kernel.errors import InputError


def unmarked_share(p: float, marked_in: float, marked_out: float) -> float:
    """Return the share of a group among training captions that do not name it.

    Captions name what is unusual, prompts do not; so a model is to be compared with the unmarked captions
    (Seshadri et al. 2023). A quarter women, named in 80 % of their captions against 10 % for men, leaves 6.9 %: a
    faithful model draws 6.9 % for the unmarked prompt, which a comparison with 25 % would call a bias of 3.6 times.

    Args:
        p: The group's share among all pictures of the concept.
        marked_in: Share of the group's captions that name it.
        marked_out: Share of the others' captions that name theirs.

    >>> round(unmarked_share(0.25, 0.8, 0.1), 3)
    0.069
    """
    if not all(0 <= share <= 1 for share in (p, marked_in, marked_out)):
        raise InputError("shares must lie in [0, 1]")
    inside, outside = p * (1 - marked_in), (1 - p) * (1 - marked_out)
    if inside + outside == 0:
        raise InputError("every caption is marked, so no unmarked share exists")
    return inside / (inside + outside)


def guided_share(p: float, q: float, scale: float, *, visible: bool = False) -> float:
    """Return the share that classifier-free guidance aims at (Ho and Salimans 2022).

    Guidance at a scale w samples ``p(x|c)^w p(x)^(1-w)``. Where the concept can be seen in the picture, both groups
    gain alike and the share stays; where the group is the only evidence for it, the share moves to
    ``p^w q^(1-w) / Z``, which is the most that guidance can amplify.

    Args:
        p: The group's share among pictures of the concept.
        q: Its share among all pictures.
        scale: Guidance scale w; 1 is none.
        visible: The picture shows the concept by other means.

    >>> [round(guided_share(0.7, 0.5, w), 3) for w in (1, 2, 3, 5, 7.5)]
    [0.7, 0.845, 0.927, 0.986, 0.998]
    >>> guided_share(0.7, 0.5, 3, visible=True)
    0.7
    """
    return p if visible else float(guided_shares([p, 1 - p], [q, 1 - q], scale)[0])


def guided_shares(p: ArrayLike, q: ArrayLike, scale: float) -> Floats:
    """Return the shares of all groups under guidance when the group is the only evidence for the concept.

    Args:
        p: Shares among pictures of the concept (K,).
        q: Shares among all pictures (K,), above 0 wherever p is.
        scale: Guidance scale, 1 or more.

    Raises:
        InputError: When the shares are none, or the scale is below 1.
    """
    one, all_of = np.asarray(p, float), np.asarray(q, float)
    if one.shape != all_of.shape or (one < 0).any() or (all_of[one > 0] <= 0).any() or not one.any() or scale < 1:
        raise InputError("needs shares p and q of equal length, q above 0 wherever p is, and a scale of at least 1")
    from scipy.special import softmax, xlogy

    logs = np.where(one > 0, xlogy(scale, one) + xlogy(1 - scale, np.where(one > 0, all_of, 1)), -np.inf)
    return np.asarray(softmax(logs))
