"""What a picture's file says of how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Texts = Mapping[str, str]
"""Texts of a picture's file by keyword: text chunks of a PNG, EXIF's comment as ``parameters``."""


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What a picture's file says of how it was made.

    Args:
        tool: Which form it has.
        prompt: The words; empty where they are not told.
        seed: Of its random stream.
        model: What drew it.
        gap: What could not be read, and why; empty when all could.
        settings: Further settings by the names that limn has for them (``negative``, ``steps``, ``sampler``,
            ``spacing``, ``scale``, ``size``, and ``clip_skip``, counted from 1), as the tool writes them.
        adapters: Names of LoRA files that the words do not name, each with a weight.
        unread: Settings that limn has no name for.
    """

    tool: str
    prompt: str = ""
    seed: int | None = None
    model: str = ""
    gap: str = ""
    settings: Mapping[str, str] = field(default_factory=dict, compare=False)
    adapters: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    unread: tuple[str, ...] = field(default=(), compare=False)


def parsed(text: str) -> Any:
    """Return what a text says as JSON; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def whole(value: Any) -> int | None:
    """Return a whole number from 0, written as such or as text; None for anything else."""
    text = str(value).strip()
    return (
        int(text) if not isinstance(value, bool) and text.isascii() and text.isdigit() and len(text) < 21 else None
    )


def scalars(values: Mapping[str, Any]) -> dict[str, str]:
    """Return those values that are numbers or text and not empty, as text."""
    return {name: str(value) for name, value in values.items() if type(value) in (int, float, str) and value != ""}


def stem(file: str) -> str:
    """Return the name of a file of weights without folders and ending.

    >>> stem("sd15\\\\ink.safetensors")
    'ink'
    """
    return file.replace("\\", "/").rpartition("/")[2].removesuffix(".safetensors")
