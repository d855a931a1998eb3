"""Registered parts: frozen dataclasses found by the name of their file.

A part's fields are at once its constructor, its command-line options (``--guide safety:scale=2000,warmup=7``),
its JSON record and its test parameters. ``guidance/classifier_free.py`` holds ``ClassifierFree``, registered as
``classifier_free``; no list is edited by hand.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
import pkgutil
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar

from limn.kernel.errors import InputError, unknown_name

__all__ = ["Part", "build", "fields", "find", "name_of", "names", "parse", "record", "split", "unquoted"]


class Part:
    """Base of registered parts; subclasses are frozen, keyword-only dataclasses.

    ``paper`` is the citation key of the method's source in ``references.bib``.
    """

    paper: ClassVar[str] = ""


def find(kind: str, name: str) -> type[Part]:
    """Return the class of a registered part.

    Args:
        kind: The folder, for example ``"guidance"`` or ``"samplers"``.
        name: The file's name without its ending.

    Raises:
        InputError: If there is none; the message has the nearest name.

    >>> find("samplers", "ddim").__name__
    'Ddim'
    """
    part = _part(kind, name) if name in _modules(kind) else None
    if part is None:
        raise unknown_name(_singular(kind), name, names(kind))
    return part


def name_of(part: Part) -> str:
    """Return the name under which a part is registered, that of its file.

    >>> name_of(parse("guidance", "classifier_free"))
    'classifier_free'
    """
    return re.sub("(?<!^)(?=[A-Z])", "_", type(part).__name__).lower()


def names(kind: str) -> list[str]:
    """Return the names of all registered parts of a kind, sorted."""
    return [name for name in _modules(kind) if _part(kind, name) is not None]


def build(kind: str, fields: Mapping[str, Any]) -> Part:
    """Build a part from its record.

    Args:
        kind: The folder.
        fields: ``{"name": ..., field: value, ...}``, values as JSON or as command-line text.

    Raises:
        InputError: If the name or a field is unknown, or a value does not fit its field.
    """
    name = fields.get("name")
    if not isinstance(name, str):
        raise InputError(f'{_singular(kind)}: the record has no name; add "name"')
    part = find(kind, name)
    hints = typing.get_type_hints(part)
    known = {field.name for field in dataclasses.fields(part)}  # type: ignore[arg-type]
    values = {}
    for key, value in fields.items():
        if key == "name":
            continue
        if key not in known:
            raise unknown_name(f"option of {_singular(kind)} {name}", key, known)
        values[key] = _convert(kind, f"{name}:{key}", value, hints[key])
    return part(**values)


def parse(kind: str, text: str) -> Part:
    """Build a part from command-line text.

    Args:
        kind: The folder.
        text: ``name`` or ``name:field=value,field=value``; a value may be quoted to hold commas.

    Raises:
        InputError: As :func:`build`, and when the text is not of that form.

    >>> parse("guidance", "classifier_free:scale=3").scale
    3.0
    """
    return build(kind, fields(text))


def fields(text: str) -> dict[str, Any]:
    """Read command-line text as a record whose values are still text; the inverse of writing a part by hand.

    Raises:
        InputError: If the text is not of the form that :func:`parse` takes.

    >>> fields("ddim:eta=0.5")
    {'name': 'ddim', 'eta': '0.5'}
    """
    name, _, rest = text.partition(":")
    found: dict[str, Any] = {"name": name.strip()}
    for item in split(rest):
        key, equals, value = item.partition("=")
        if not equals:
            raise InputError(f"{text!r}: write options as name:field=value,field=value; {item!r} has no '='")
        found[key.strip()] = unquoted(value)
    return found


def record(part: Part) -> dict[str, Any]:
    """Return a part as JSON-ready data from which :func:`build` makes an equal part.

    >>> record(parse("samplers", "ddim:eta=0.5"))
    {'name': 'ddim', 'eta': 0.5}
    """
    fields = {
        field.name: _plain(getattr(part, field.name))
        for field in dataclasses.fields(part)  # type: ignore[arg-type]
    }
    return {"name": name_of(part), **fields}


def _modules(kind: str) -> list[str]:
    package = importlib.import_module(f"limn.{kind}")
    return sorted(each.name for each in pkgutil.iter_modules(package.__path__))


def _part(kind: str, name: str) -> type[Part] | None:
    module = importlib.import_module(f"limn.{kind}.{name}")
    found = getattr(module, "".join(word.capitalize() for word in name.split("_")), None)
    return found if isinstance(found, type) and issubclass(found, Part) else None


def _singular(kind: str) -> str:
    last = kind.rpartition(".")[2]
    return f"{last[:-3]}y" if last.endswith("ies") else last.removesuffix("s")


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
    return [each for each in [*items, item] if each.strip()]


def unquoted(text: str) -> str:
    """Return a value without the spaces and the one pair of quotes around it.

    >>> unquoted(" 'a, b' "), unquoted("dogs'")
    ('a, b', "dogs'")
    """
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return record(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _convert(kind: str, where: str, value: Any, hint: Any) -> Any:
    """Turn JSON or text into what a field's type asks for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None or (value == "none" and type(None) in arguments):
            return None
        hint = next(each for each in arguments if each is not type(None))
        return _convert(kind, where, value, hint)
    if origin is typing.Literal:
        if value not in arguments:
            raise unknown_name(f"value of {where}", str(value), [str(each) for each in arguments])
        return value
    if origin is tuple:
        items = _pieces(value, arguments[0]) if isinstance(value, str) else list(value)
        inner = [arguments[0]] * len(items) if arguments[-1] is Ellipsis else arguments
        if len(inner) != len(items):
            raise InputError(f"{where}: takes {len(inner)} values, {len(items)} given")
        return tuple(_convert(kind, where, each, want) for each, want in zip(items, inner, strict=True))
    if isinstance(hint, type) and issubclass(hint, Part):
        return value if isinstance(value, Part) else _nested(kind, value)
    return _scalar(where, value, hint)


def _pieces(text: str, kind: Any) -> list[str]:
    """Split several values in one at bars; numbers may stand with spaces between them as well."""
    bars = "|" in text or kind is str
    return [each.strip() for each in text.split("|")] if bars else text.split()


def _nested(kind: str, value: Any) -> Part:
    return parse(kind, value) if isinstance(value, str) else build(kind, value)


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
        wanted = {"bool": "true or false", "int": "a whole number", "float": "a finite number", "str": "text"}
        shown = str(value)[:60]
        raise InputError(f"{where}={shown}: give {wanted.get(name, name)}") from None
