"""Requests as TOML: the options of ``limn generate``, written down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from limn.io.configurations import read_toml
from limn.kernel.errors import InputError, unknown_name

__all__ = ["KEYS", "merged", "read"]

KEYS: Final[Mapping[str, tuple[type, ...]]] = {
    "prompts": (str, list),
    "n": (int,),
    "seed": (int,),
    "steps": (int,),
    "sampler": (str,),
    "scale": (int, float),
    "negative": (str,),
    "guidance": (str, dict, list),
    "regions": (str,),
    "region": (str, dict, list),
    "size": (int, str),
    "style": (str,),
    "normalise": (bool,),
    "familiar": (bool,),
    "model": (str,),
}
"""What may stand in the file, and as what."""

_WORDS: Final = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
_LISTS: Final = {"prompts": (str,), "guidance": (str, dict), "region": (str, dict)}


def merged(file: Path | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for: the file's values, and in their place those that the command line gives.

    Args:
        file: A request as TOML, or nothing.
        options: Options by the names of :data:`KEYS`; ``None`` and empty lists are not given.

    Raises:
        InputError: As :func:`read`.
    """
    given = {name: value for name, value in options.items() if value is not None and value != []}
    return {**(read(file) if file is not None else {}), **given}


def read(file: Path) -> dict[str, Any]:
    """Read a request.

    Args:
        file: TOML; its ``regions`` names a painting beside it.

    Returns:
        Values by the names of :data:`KEYS`; ``prompts``, ``guidance`` and ``region`` as lists.

    Raises:
        InputError: If the file cannot be read, or a key or value is not allowed.
    """
    found = read_toml(file, remedy="use --prompts-file for many prompts")
    for name, value in found.items():
        if name not in KEYS:
            raise unknown_name(f"key of {file}", name, KEYS)
        if name in _LISTS:
            value = found[name] = value if isinstance(value, list) else [value]
            for each in value:
                _check(file, f"each of {name}", each, _LISTS[name])
        _check(file, name, value, KEYS[name])
    if "size" in found:
        found["size"] = str(found["size"])
    if "regions" in found:
        found["regions"] = file.parent / found["regions"]
    return found


def _check(file: Path, name: str, value: Any, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        names = [_WORDS[kind] for kind in kinds if kind is not int or float not in kinds]
        wanted = " or ".join(names)
        raise InputError(f"{file}: {name}: {str(value)[:40]!r} is not allowed; give {wanted}")
