"""Axes of a grid: what changes along one side, read from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from limn.kernel import registry
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import fields, split, unquoted
from limn.kernel.prompt import Prompt
from limn.studio.drafts import Draft, Guide

__all__ = ["Axis", "Value"]

Value = tuple[str, Callable[[Draft], Draft]]
"""A label, and the change that it stands for."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What changes along one side of a grid.

    Args:
        values: A label, and how a draft is changed, for each column or row.

    >>> [label for label, _ in Axis.parse("scale=1,3").values]
    ['scale 1', 'scale 3']
    >>> [label for label, _ in Axis.parse("guide=classifier_free:against=fog,scale=2,5").values]
    ['classifier_free scale=2', 'classifier_free scale=5']
    """

    values: tuple[Value, ...]

    @classmethod
    def parse(cls, text: str) -> Axis:
        """Read an axis as it is written on the command line.

        Args:
            text: ``name=value,value``, where the name is one of ``scale``, ``steps``, ``seed``, ``sampler``,
                ``negative``, ``style``, ``prompt`` and ``guide``; a value with a comma stands in quotes. A guide is
                ``guide=NAME:option=value,value``, one option of which may have several values, or
                ``guide=NAME|NAME``, or ``none`` for a cell without.

        Raises:
            InputError: If the text is not of that form.
        """
        name, equals, rest = text.partition("=")
        name = name.strip()
        if name not in _CHANGES and name != "guide":
            raise unknown_name("grid axis", name, [*_CHANGES, "guide"])
        values = _guides(rest) if name == "guide" else [_value(name, each) for each in split(rest)]
        if not equals or not values:
            raise InputError(f"grid axis {name}: no values; write them with commas, as in scale=1,3,5")
        return cls(values=tuple(values))


def _number(name: str, text: str, kind: type[int] | type[float]) -> Any:
    try:
        return kind(text)
    except ValueError:
        wanted = "whole numbers" if kind is int else "numbers"
        raise InputError(f"grid axis {name}: {text[:40]!r} is not allowed; give {wanted}") from None


_CHANGES: Final[Mapping[str, Callable[[str], Mapping[str, Any]]]] = {
    "negative": lambda text: {"negative": text},
    "prompt": lambda text: {"prompts": (Prompt(text),)},
    "sampler": lambda text: {"sampler": text},
    "scale": lambda text: {"scale": _number("scale", text, float)},
    "seed": lambda text: {"seed": _number("seed", text, int)},
    "steps": lambda text: {"steps": _number("steps", text, int)},
    "style": lambda text: {"style": text},
}


def _value(name: str, text: str) -> Value:
    text = unquoted(text)
    changes = _CHANGES[name](text)
    return (text if name == "prompt" else f"{name} {text or 'none'}"), lambda draft: replace(draft, **changes)


def _guides(text: str) -> list[Value]:
    """Read alternatives with bars between them, one option of each with one or more values."""
    return [value for each in _alternatives(text) for value in _options(each)]


def _alternatives(text: str) -> list[str]:
    """Split at the bars that stand before a guidance's name; other bars separate the pieces of one value."""
    known, found = {*registry.names("guidance"), *registry.aliases("guidance"), "none"}, list[str]()
    for piece in split(text, "|"):
        if not found or piece.partition(":")[0].strip() in known:
            found.append(piece)
        else:
            found[-1] += f"|{piece}"
    return found


def _options(text: str) -> list[Value]:
    name, _, rest = text.partition(":")
    name = name.strip()
    if name == "none":
        return [("no guide", lambda draft: draft)]
    registry.find("guidance", name)
    options: dict[str, list[str]] = {}
    last = ""
    for piece in split(rest):
        key, equals, value = piece.partition("=")
        if not equals and not options:
            raise InputError(f"grid axis guide: {piece[:40]!r} has no '='; write guide={name}:option=value,value")
        last = key.strip() if equals else last
        options.setdefault(last, []).append(unquoted(value if equals else piece))
    several = [key for key, values in options.items() if len(values) > 1]
    if len(several) > 1:
        raise InputError(f"grid axis guide: {' and '.join(several)} have several values; give them to one option")
    varied = several[0] if several else next(reversed(options), "")
    values = options.pop(varied, [""])
    fixed = {key: value[0] for key, value in options.items()}
    return [
        (
            f"{name} {varied}={each}" if varied else name,
            _with_guide({"name": name, **fixed, **({varied: each} if varied else {})}),
        )
        for each in values
    ]


def _with_guide(said: Mapping[str, Any]) -> Callable[[Draft], Draft]:
    def change(draft: Draft) -> Draft:
        before = next((each for each in draft.guidance if _name(each) == said["name"]), None)
        rest = tuple(each for each in draft.guidance if each is not before)
        return replace(draft, guidance=(*rest, {**(_record(before) if before is not None else {}), **said}))

    return change


def _record(guide: Guide) -> Mapping[str, Any]:
    if isinstance(guide, str):
        return fields(guide)
    return guide if isinstance(guide, Mapping) else registry.record(guide)


def _name(guide: Guide) -> str:
    return str(_record(guide).get("name"))
