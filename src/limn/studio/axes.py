"""Axes of a grid: what changes along one side, read from text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from limn.kernel import registry
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import Option, convert, fields, split, unquoted, weighed
from limn.kernel.request import Request, options

Value = tuple[str, Callable[[Request], Request]]
"""A label, and the change that it stands for."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What changes along one side of a grid.

    Args:
        values: A label, and how a request is changed, for each column or row.

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
            text: ``name=value,value``, where the name is ``prompt``, ``guide``, ``adapter`` or an option of a
                request that takes one value, such as ``scale`` or ``sampler``; a value with a comma stands in
                quotes. A guide is
                ``guide=NAME:option=value,value``, one option of which may have several values, or
                ``guide=NAME|NAME``, or ``none`` for a cell without.

        Raises:
            InputError: If the text is not of that form.
        """
        name, equals, rest = text.partition("=")
        name, axes = name.strip(), _axes()
        if name not in axes and name not in ("guide", "adapter"):
            raise unknown_name("grid axis", name, [*axes, "guide", "adapter"])
        if name == "guide":
            values = _guides(rest)
        else:
            read = _adapter if name == "adapter" else partial(_value, name, axes[name].kind)
            values = [read(value) for value in split(rest)]
        if not equals or not values:
            raise InputError(f"grid axis {name}: no values; write them with commas, as in scale=1,3,5")
        return cls(values=tuple(values))


def _axes() -> dict[str, Option]:
    """Return the options that can change along a side of a grid; a cell has one prompt there."""
    plain = {name: chosen for name, chosen in options().items() if chosen.axis and not chosen.many}
    return {**plain, "prompt": Option(kind=str, about="What to draw.")}


def _value(name: str, kind: type, text: str) -> Value:
    text = unquoted(text)
    value = convert(f"grid axis {name}", text, kind)
    field = {"prompt": "prompts"}.get(name, name)
    label = text if name == "prompt" else f"{name} {text or 'none'}"
    return label, lambda request: replace(request, **{field: value})


def _adapter(text: str) -> Value:
    """Read an adapter that a cell has beside those of all, or in place of the same file's; ``none`` adds none."""
    text = unquoted(text)
    if text == "none":
        return "no adapter", lambda request: request
    file, weight = weighed(text)

    def change(request: Request) -> Request:
        return replace(request, adapter=(*(own for own in request.adapter if weighed(own)[0] != file), text))

    return f"{Path(file).stem} {weight:g}", change


def _guides(text: str) -> list[Value]:
    """Read alternatives with bars between them, one option of each with one or more values."""
    return [value for alternative in _alternatives(text) for value in _options(alternative)]


def _alternatives(text: str) -> list[str]:
    """Split at the bars that stand before a guidance's name; other bars separate the pieces of one value."""
    known, pieces = {*registry.names("guidance"), *registry.aliases("guidance"), "none"}, list[str]()
    for piece in split(text, "|"):
        if not pieces or piece.partition(":")[0].strip() in known:
            pieces.append(piece)
        else:
            pieces[-1] += f"|{piece}"
    return pieces


def _options(text: str) -> list[Value]:
    name, _, rest = text.partition(":")
    name = name.strip()
    if name == "none":
        return [("no guide", lambda request: request)]
    name = registry.name_of(registry.find("guidance", name))
    given: dict[str, list[str]] = {}
    last = ""
    for piece in split(rest):
        key, equals, value = piece.partition("=")
        if not equals and not given:
            raise InputError(f"grid axis guide: {piece[:40]!r} has no '='; write guide={name}:option=value,value")
        last = key.strip() if equals else last
        given.setdefault(last, []).append(unquoted(value if equals else piece))
    several = [key for key, values in given.items() if len(values) > 1]
    if len(several) > 1:
        raise InputError(f"grid axis guide: {' and '.join(several)} have several values; give them to one option")
    varied = several[0] if several else next(reversed(given), "")
    values = given.pop(varied, [""])
    fixed = {key: value[0] for key, value in given.items()}
    return [
        (
            f"{name} {varied}={value}" if varied else name,
            _with_guide({"name": name, **fixed, **({varied: value} if varied else {})}),
        )
        for value in values
    ]


def _with_guide(changes: Mapping[str, Any]) -> Callable[[Request], Request]:
    def change(request: Request) -> Request:
        before = next((guide for guide in request.guide if _record(guide)["name"] == changes["name"]), None)
        rest = tuple(guide for guide in request.guide if guide is not before)
        return replace(request, guide=(*rest, {**(_record(before) if before is not None else {}), **changes}))

    return change


def _record(guide: Any) -> dict[str, Any]:
    """Return a guidance as a record under its registered name."""
    if isinstance(guide, str | Mapping):
        record = fields(guide) if isinstance(guide, str) else dict(guide)
        name = str(record.get("name"))
        return {**record, "name": registry.aliases("guidance").get(name, name)}
    return registry.record(guide)
