"""Readers by name, as ``--reader`` takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from limn.kernel import registry
from limn.kernel.errors import unknown_name

if TYPE_CHECKING:
    from limn.audit.readers.reader import Reader

__all__ = ["names", "open_reader"]

KIND = "readers"
SHORT = {"user_function": "function", "zero_shot": "phrases", "nsfw": "package"}
"""Readers whose name can be followed by one value without saying of what."""


def names() -> list[str]:
    """Return the names of all readers, sorted."""
    return registry.names(KIND)


def open_reader(text: str) -> Reader:
    """Build a reader from text such as ``"people"``, ``"zero_shot:model=judge_a,phrases=words.json"``.

    Args:
        text: A name with options; ``own:FILE.py:FUNCTION`` and ``nudenet`` or ``opennsfw`` for short.

    Raises:
        InputError: If there is no such reader or option.
    """
    name, colon, rest = text.partition(":")
    if name in ("nudenet", "opennsfw"):
        name, colon, rest = "nsfw", ":", f"package={name}" + (f",{rest}" if rest else "")
    name = registry.aliases(KIND).get(name, name)
    if name not in names():
        raise unknown_name("reader", name, [*names(), *registry.aliases(KIND), "nudenet", "opennsfw"])
    if name in SHORT and rest and "=" not in rest:
        rest = f"{SHORT[name]}={rest}"
    found = registry.parse(KIND, f"{name}{colon}{rest}")
    assert hasattr(type(found), "read"), f"{name} is in the folder of readers and reads nothing"
    return cast("Reader", found)
