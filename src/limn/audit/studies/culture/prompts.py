"""Prompts of one's own for the study of culture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from limn.audit.probe import Ask
from limn.audit.reference.own import own_asks as asks_of
from limn.kernel.errors import InputError, unknown_name


def own_asks(path: Path, only: Sequence[str] = ()) -> tuple[Ask, ...]:
    """Return the prompts of a file, each subject once without a place and once with each.

    Args:
        path: A CSV file of ``prompt``, ``concept`` and ``place``.
        only: Subjects that it must have.

    Raises:
        InputError: If the file cannot be used, or a subject lacks a place or has one twice.
    """
    asks = asks_of(path, ("concept", "place"))
    places = list(dict.fromkeys(("", *(ask.slots["place"] for ask in asks))))
    subjects = list(dict.fromkeys(ask.slots["concept"] for ask in asks))
    for subject in subjects:
        asked = [ask.slots["place"] for ask in asks if ask.slots["concept"] == subject]
        for place in places:
            if asked.count(place) != 1:
                times = "not asked for" if place not in asked else f"asked for {asked.count(place)} times"
                where = f"in the place {place}" if place else "without a place"
                raise InputError(f"{path}: {subject} is {times} {where}; ask for each once in each, and without one")
    for name in only:
        if name not in subjects:
            raise unknown_name(f"subject of {path}", name, subjects)
    if len(places) < 3:
        raise InputError(f"{path}: has fewer than two places; name two or more to compare")
    return asks
