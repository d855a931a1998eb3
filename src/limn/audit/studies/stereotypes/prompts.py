"""Prompts of one's own for the study of stereotypes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from limn.audit.probe import Ask
from limn.audit.reference import prompts
from limn.audit.reference.own import own_asks as asks_of
from limn.kernel.errors import InputError, unknown_name

COLUMNS = ("part", "place", "stereotype", "profession")


def own_asks(path: Path, only: Sequence[str] = ()) -> list[Ask]:
    """Return the prompts of a file, about occupations unless it says otherwise.

    Args:
        path: A CSV file of ``prompt``, ``concept`` and, if wanted, :data:`COLUMNS`.
        only: Concepts that it must have.

    Raises:
        InputError: If the file cannot be used, a part is unknown, or what a part needs is missing.
    """
    asks = []
    for ask in asks_of(path, ("concept",), COLUMNS):
        part = ask.slots.get("part", "occupations")
        if part not in prompts.PARTS:
            raise InputError(f"{path}: {unknown_name('part', part, prompts.PARTS)}")
        for needed in {"objects": ("place",), "counter": ("stereotype",)}.get(part, ()):
            if needed not in ask.slots:
                raise InputError(f"{path}: {ask.prompt!r} is of {part} and has no {needed}; add the column")
        slots = {**ask.slots, "part": part}
        if part != "objects":
            slots.pop("place", None)
        asks.append(replace(ask, slots=slots, pair=ask.pair or ask.slots["concept"]))
    known = {part: {ask.slots["concept"] for ask in asks if ask.slots["part"] == part} for part in prompts.PARTS}
    plain = {ask.slots["concept"] for ask in asks if ask.slots.get("place") == ""}
    for name in sorted(known["objects"] - plain):
        raise InputError(f"{path}: {name} is asked for in places only; add a line of it with an empty place")
    for name in sorted(known["counter"] - known["occupations"]):
        raise InputError(f"{path}: {name} is asked for with a counter-prompt only; add a line of it without")
    for name in only:
        if name not in {ask.slots["concept"] for ask in asks}:
            raise unknown_name(f"concept of {path}", name, {ask.slots["concept"] for ask in asks})
    return asks
