"""Strict reading of files from outside: regular files, bounded sizes, closed configurations."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, TypeVar

from limn.kernel.errors import InputError, WeightsError, unknown_name

__all__ = [
    "check_range",
    "first_line",
    "open_file",
    "parse_json",
    "read_config",
    "read_json",
    "require",
    "sha256_of",
]

MAX_CONFIG: Final = 2**20

_CODE: Final = {"auto_map", "trust_remote_code", "_attn_implementation_internal", "custom_pipelines"}

C = TypeVar("C")


def require(condition: bool, message: str) -> None:
    """Raise :class:`InputError` with a message unless the condition holds."""
    if not condition:
        raise InputError(message)


def check_range(config: object, **bounds: tuple[int, int]) -> None:
    """Check that whole-number fields lie within bounds, both included.

    Args:
        config: Any object with the fields.
        bounds: (least, most) of each field.

    Raises:
        InputError: a field is no whole number or out of bounds.
    """
    for name, (least, most) in bounds.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            shown = str(value)[:40]
            raise InputError(f"{name} must be a whole number from {least} to {most}, not {shown}")


def read_config(kind: type[C], fields: Mapping[str, Any] | Path) -> C:
    """Build a configuration from the fields of a file, and nothing else.

    Args:
        kind: A dataclass whose fields all have defaults; it checks its bounds itself.
        fields: What the file says, or the JSON file.

    Returns:
        The configuration.

    Raises:
        WeightsError: an unknown field, or a value of another type or out of bounds.
    """
    where = f"configuration of {kind.__name__.removesuffix('Config')}"
    if isinstance(fields, Path):
        where, fields = str(fields), read_json(fields)
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    values = {}
    try:
        for name, value in fields.items():
            if name not in known:
                raise unknown_name("configuration field", str(name), known)
            values[name] = _typed(name, value, _type_of(known[name]))
        return kind(**values)
    except InputError as error:
        raise WeightsError(f"{where}: {error}") from None


def read_json(path: Path, *, limit: int = MAX_CONFIG) -> dict[str, Any]:
    """Read a JSON object from a small file.

    Args:
        path: The file.
        limit: Most bytes it may have.

    Returns:
        The object.

    Raises:
        WeightsError: the file is missing, too large, no JSON object, names a field twice, holds NaN, or asks to
            run code that comes with it.
    """
    with open_file(path) as file:
        text = file.read(limit + 1)
    if len(text) > limit:
        raise WeightsError(f"{path}: larger than {limit:,} bytes; a configuration is far smaller, get it again")
    found = parse_json(path, text)
    asked = sorted(_CODE & _all_keys(found))
    if asked:
        raise WeightsError(f"{path}: {asked[0]} asks to run code from the folder; limn runs none, remove the field")
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits.

    Raises:
        WeightsError: the file is missing or not a regular file.
    """
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_file(path: Path) -> BufferedReader:
    """Open a regular file; a pipe or device, which could block or never end, is refused."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise WeightsError(f"{path}: not a regular file; name a file")
        return Path(path).open("rb")
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file; check the path or get the file again") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path}: cannot be opened ({first_line(error)}); check the path") from None


def parse_json(path: Path, text: bytes) -> dict[str, Any]:
    """Parse a JSON object in which no name stands twice and no number is NaN; ``path`` is for the message."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a name stands twice")
        return found

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: not sound JSON ({first_line(error)[:80]}); get the file again") from None
    if not isinstance(found, dict):
        raise WeightsError(f"{path}: a JSON object is expected; get the file again")
    return found


def _all_keys(value: Any) -> set[str]:
    keys, left = set[str](), [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            keys.update(value)
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return keys


def _type_of(field: dataclasses.Field[Any]) -> type:
    made = field.default_factory
    return type(field.default if made is dataclasses.MISSING else made())


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def _typed(name: str, value: Any, wanted: type) -> Any:
    if wanted is float and type(value) is int:
        value = float(value)
    if wanted is tuple and type(value) is list:
        value = tuple(value)
    if type(value) is not wanted:
        raise InputError(f"{name} must be {wanted.__name__}, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{name} must be a finite number")
    return value


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
