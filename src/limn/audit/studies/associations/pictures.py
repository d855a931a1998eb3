"""Pictures of adults at work, in pairs that differ in gender alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError

GROUPS = ("woman", "man")
NOT_WORK = ("feeding baby", "in tuxedo", "pregnant", "royalty", "student", "wearing turban", "with veil")
"""Roles of the catalogue that are no work."""


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """Pictures of adults at work in two groups.

    Args:
        pictures: uint8 (height, width, 3) each.
        second: Whether a picture is of the second group.
        subjects: Whom or what each shows; subjects move whole when groups are rearranged.
        roles: The profession of each.
    """

    pictures: Sequence[NDArray[np.uint8]]
    second: NDArray[np.bool_]
    subjects: NDArray[np.str_]
    roles: NDArray[np.str_]

    @property
    def sides(self) -> dict[str, NDArray[np.bool_]]:
        """Which pictures are of each group."""
        return dict(zip(GROUPS, (~self.second, self.second), strict=True))


def drawn_people(n: int, seed: int) -> People:
    """Return n person icons of each group, alike in all but gender (:mod:`limn.data.people`).

    Args:
        n: Pairs.
        seed: Decides which.
    """
    from limn.data.people import Person, Population, render

    people = [
        Person(profession=p.profession, gender=gender, tone=p.tone, motif=p.motif, style=p.style)
        for p in Population().sample(np.random.default_rng(seed), n)
        for gender in GROUPS
    ]
    return People(
        pictures=[render(person) for person in people],
        second=np.array([person.gender == GROUPS[1] for person in people]),
        subjects=np.array([f"{person.profession} {person.tone}" for person in people]),
        roles=np.array([person.profession for person in people]),
    )


def pictograms(folder: Path, n: int, seed: int) -> People:
    """Return n pictograms of each group, adults at work, alike in style and tone; subjects are professions.

    Args:
        folder: Built by ``limn data build``.
        n: Pairs at most.
        seed: Decides which.

    Raises:
        InputError: Nobody in the folder is drawn both as a woman and as a man.
    """
    from limn.data.picture_set import load
    from limn.data.split import SPLITS

    source = load(folder, SPLITS)
    columns, places = source.columns, dict[tuple[str, str, str], dict[str, int]]()
    for k, (role, style, tone, gender) in enumerate(
        zip(*(columns[name] for name in ("profession", "style", "tone", "gender")), strict=True)
    ):
        if role and role not in NOT_WORK and gender in GROUPS:
            places.setdefault((role, style, tone), {})[gender] = k
    pairs = [(role, pair) for (role, _, _), pair in sorted(places.items()) if len(pair) == len(GROUPS)]
    if not pairs:
        raise InputError(f"{folder}: nobody is drawn both as a woman and as a man; build the pictograms anew")
    chosen = [pairs[k] for k in np.random.default_rng(seed).permutation(len(pairs))[:n]]
    roles = np.array([role for role, _ in chosen for _ in GROUPS])
    return People(
        pictures=list(source.take([pair[gender] for _, pair in chosen for gender in GROUPS]).on()),
        second=np.tile([False, True], len(chosen)),
        subjects=roles,
        roles=roles,
    )
