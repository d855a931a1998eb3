"""Options: how a field is given, and its value read from text or JSON as its type asks."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from limn.kernel.errors import InputError, unknown_name

MAX_WEIGHT = 10
"""Greatest weight of an adapter."""

_WANTED = {"bool": "true or false", "int": "a whole number", "float": "a finite number", "str": "text"}


@dataclass(frozen=True, kw_only=True)
class Option:
    """How a field of a request is given.

    Args:
        kind: What it takes: ``int``, ``float``, ``str`` or ``bool``.
        about: What it does, for the help.
        flag: Its short flag.
        many: Whether it may be repeated; in a request file it may then be a list, of tables too.
        folds: Whether completing a request takes it up into others, so that records need not have it.
        number: Whether a request file may give text as a bare number.
        axis: Whether it can change along a side of a grid.
    """

    kind: type
    about: str
    flag: str = ""
    many: bool = False
    folds: bool = False
    number: bool = False
    axis: bool = True


def option(default: Any, kind: type, about: str, **settings: Any) -> Any:
    """Return a field of a request that every door offers; takes the settings of :class:`Option`."""
    return field(default=default, metadata={"option": Option(kind=kind, about=about, **settings)})


def fields(text: str) -> dict[str, Any]:
    """Read ``name:field=value,field=value`` as a record whose values are still text.

    Raises:
        InputError: If the text is not of that form.

    >>> fields("ddim:eta=0.5")
    {'name': 'ddim', 'eta': '0.5'}
    """
    name, _, rest = text.partition(":")
    record: dict[str, Any] = {"name": name.strip()}
    for item in split(rest):
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"{text!r}: write options as name:field=value,field=value; {item!r} has no '='")
        record[key.strip()] = unquoted(value)
    return record


def split(text: str, at: str = ",") -> list[str]:
    """Split at a character outside quotes; a quote opens where a value begins, so apostrophes do no harm.

    Raises:
        InputError: If a quote is not closed.

    >>> split("against='a, b',scale=3"), split("a dog's nose, it's red")
    (["against='a, b'", 'scale=3'], ["a dog's nose", " it's red"])
    """
    items, item, quote = [], "", ""
    for character in text:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"" and (not item.strip() or item.rstrip()[-1] in "=|:,"):
            quote = character
        if character == at and not quote:
            items.append(item)
            item = ""
        else:
            item += character
    if quote:
        raise InputError(f"{text[:60]!r}: a quote is not closed")
    return [item for item in [*items, item] if item.strip()]


def unquoted(text: str) -> str:
    """Return a value without the spaces and the one pair of quotes around it.

    >>> unquoted(" 'a, b' "), unquoted("dogs'")
    ('a, b', "dogs'")
    """
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def convert(where: str, value: Any, hint: Any, part: Callable[[Any], Any] | None = None) -> Any:
    """Turn JSON or text into what a type asks for.

    Args:
        where: What the value is called in an error.
        value: From JSON, TOML or the command line.
        hint: ``bool``, ``int``, ``float``, ``str``, a ``Literal``, an optional or a tuple of these, or
            another class, whose objects ``part`` makes.
        part: Makes an object of another class of its text or record.

    Raises:
        InputError: If the value does not fit.

    >>> convert("sizes", "1 2", tuple[int, ...]), convert("scale", "none", float | None)
    ((1, 2), None)
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or (value == "none" and type(None) in arguments):
            return None
        return convert(where, value, next(kind for kind in arguments if kind is not type(None)), part)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown_name(f"value of {where}", str(value), [str(allowed) for allowed in arguments])
        return value
    if origin is tuple:
        items = _pieces(value, arguments[0]) if isinstance(value, str) else list(value)
        inner = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(items):
            raise InputError(f"{where}: takes {len(inner)} values, {len(items)} given")
        return tuple(convert(where, item, kind, part) for item, kind in zip(items, inner, strict=True))
    if part is not None and hint not in (bool, int, float, str):
        return value if isinstance(value, hint) else part(value)
    return _scalar(where, value, hint)


def _pieces(text: str, kind: Any) -> list[str]:
    """Split several values in one at bars; numbers may stand with spaces between them as well."""
    bars = "|" in text or kind is str
    return [piece.strip() for piece in text.split("|")] if bars else text.split()


def _scalar(where: str, value: Any, hint: Any) -> Any:
    try:
        if hint is bool:
            return value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
        if hint is int:
            if isinstance(value, float) and not value.is_integer():
                raise ValueError
            return int(value)
        if hint is float:
            number = float(value)
            if not math.isfinite(number):
                raise ValueError
            return number
        if hint is str and isinstance(value, str):
            return value
        raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError):
        name = getattr(hint, "__name__", str(hint))
        raise InputError(f"{where}={str(value)[:60]}: give {_WANTED.get(name, name)}") from None


def weighed(name: str) -> tuple[str, float]:
    """Split ``FILE:weight`` into the file's name and the weight, 1 where none is given.

    >>> weighed("zorp.safetensors:0.8"), weighed("zorp.safetensors")
    (('zorp.safetensors', 0.8), ('zorp.safetensors', 1.0))
    """
    file, colon, weight = name.rpartition(":")
    try:
        value = float(weight)
    except ValueError:
        return name, 1.0
    if not colon or not abs(value) <= MAX_WEIGHT:
        raise InputError(f"adapter {name[:100]!r}: give a file, and its weight from -{MAX_WEIGHT} to {MAX_WEIGHT}")
    return file, value
