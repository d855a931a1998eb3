"""Requests as TOML: the options of drawing, written down."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from limn.kernel.errors import InputError, unknown_name
from limn.kernel.options import Option
from limn.kernel.request import options

_WORDS: Final = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_ALSO: Final = {"guidance": "guide"}


def read(file: Path) -> dict[str, Any]:
    """Read a request.

    Args:
        file: TOML; its ``regions`` names a painting beside it.

    Returns:
        Values by the names of options, and ``prompts``; what may be repeated as lists.

    Raises:
        InputError: If the file cannot be read, or a key or value is not allowed.
    """
    from limn.io.configurations import read_toml

    known = {"prompts": Option(kind=str, about="", many=True), **options()}
    result: dict[str, Any] = {}
    for key, value in read_toml(file, remedy="use --prompts-file for many prompts").items():
        name = _ALSO.get(key, key)
        if name not in known:
            raise unknown_name(f"key of {file}", key, [*known, *_ALSO])
        chosen = known[name]
        kinds = {float: (int, float), str: (int, str) if chosen.number else (str,)}.get(chosen.kind, (chosen.kind,))
        if chosen.many:
            value = value if isinstance(value, list) else [value]
            tables = () if name == "prompts" else (dict,)
            for item in value:
                _check(file, f"each of {key}", item, (*kinds, *tables))
        else:
            _check(file, key, value, kinds)
        result[name] = value
    if "regions" in result:
        result["regions"] = str(file.parent / result["regions"])
    return result


def _check(file: Path, name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(_WORDS[kind] for kind in kinds if kind is not int or float not in kinds)
        raise InputError(f"{file}: {name}: {str(value)[:40]!r} is not allowed; give {wanted}")
