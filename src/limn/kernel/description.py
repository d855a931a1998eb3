"""What a registered part says of itself: its formula, its options with their defaults, its source."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from dataclasses import dataclass
from typing import Any

from limn.kernel import registry


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of a part.

    Args:
        name: As it is written after the part's name.
        kind: What it takes, in words.
        default: Its default as it would be written; ``needed`` when it has none.
        about: What it does, with units and range.
    """

    name: str
    kind: str
    default: str
    about: str


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a part says of itself.

    Args:
        name: Registered name.
        aliases: Other names that it goes by.
        summary: One line.
        text: The docstring before its arguments, with the formula.
        facts: Values of the class that its kind has, such as rank and space, as text.
        paper: Citation key, or a whole BibTeX entry.
        package: Name and version of the package that it comes from; empty for limn's own.
        options: In the order of the source.
    """

    name: str
    aliases: tuple[str, ...]
    summary: str
    text: str
    facts: dict[str, str]
    paper: str
    package: str
    options: tuple[Option, ...]


def describe(kind: str, name: str) -> Description:
    """Return what a part says of itself.

    Args:
        kind: One of :data:`limn.kernel.registry.FOLDERS`.
        name: Registered name or alias.

    Raises:
        InputError: If there is none of this name; the message has the nearest name.

    >>> describe("samplers", "ddim").options[0].kind
    'number'
    """
    part = registry.find(kind, name)
    name = registry.name_of(part)
    text, about = "", dict[str, str]()
    for base in reversed(part.__mro__[:-1]):
        if base.__module__ != registry.__name__ and base.__doc__:
            text, arguments = _halves(base)
            about |= _about(arguments)
    hints = typing.get_type_hints(part)
    entry = registry.plugins(kind).get(name)
    facts = {key: getattr(value, "name", str(value)).lower() for key, value in _class_values(part).items()}
    return Description(
        name=name,
        aliases=part.aliases,
        summary=" ".join(text.split("\n\n")[0].split()),
        text=text.strip(),
        facts=facts,
        paper=part.paper,
        package=registry.package(entry) if entry else "",
        options=tuple(
            Option(
                name=field.name,
                kind=_kind(hints[field.name]),
                default=_default(field),
                about=about.get(field.name, ""),
            )
            for field in dataclasses.fields(part)
        ),
    )


def _class_values(part: type[registry.Part]) -> dict[str, Any]:
    """Return what the bases of a kind ask of a class, besides its paper and aliases: rank, space, slot, order..."""
    asked = [name for base in part.__mro__[1:] for name, hint in vars(base).get("__annotations__", {}).items()
             if "ClassVar" in str(hint)]  # fmt: skip
    values = {name: getattr(part, name) for name in asked if name not in ("paper", "aliases")}
    return {name: value for name, value in values.items() if isinstance(value, str | int) and value != ""}


def _halves(part: type) -> tuple[str, str]:
    """Return a docstring before its section ``Args``, and from there on."""
    written = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", inspect.cleandoc(part.__doc__ or ""))
    text, _, arguments = written.replace("``", "").partition("\nArgs:\n")
    return text, arguments


def _about(arguments: str) -> dict[str, str]:
    """Return what the section ``Args`` says of each field."""
    section = inspect.cleandoc("\n" + re.split(r"\n(?=\S)", arguments)[0])
    entries = (entry.partition(":") for entry in re.split(r"(?m)^(?=\w+:)", section) if entry.strip())
    return {name: " ".join(text.split()) for name, _, text in entries}


def _default(field: dataclasses.Field[Any]) -> str:
    """Write a default as it would be given on the command line."""
    if field.default_factory is not dataclasses.MISSING:
        return _written(field.default_factory())
    return "needed" if field.default is dataclasses.MISSING else _written(field.default)


def _written(value: Any) -> str:
    if isinstance(value, registry.Part):
        given = registry.record(value)
        changed = {
            field.name: given[field.name]
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
        options = ",".join(f"{name}={_written(option)}" for name, option in changed.items())
        return f"{given['name']}:{options}" if options else str(given["name"])
    if isinstance(value, tuple | list):
        return "|".join(map(_written, value)) or "none"
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) and ("," in value or not value) else str(value)


def _kind(hint: Any) -> str:
    """Write a type for people.

    >>> _kind(typing.Literal["weak", "strong"]), _kind(float | None), _kind(tuple[str, ...])
    ('weak, strong', 'number or none', 'several of text')
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return ", ".join(map(str, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_kind, arguments))
    if origin is tuple:
        return f"several of {_kind(arguments[0])}"
    plain = {float: "number", int: "whole number", str: "text", bool: "true or false", type(None): "none"}
    return plain.get(hint) or getattr(hint, "__name__", str(hint)).lower()
