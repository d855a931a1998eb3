"""What a picture's file says of how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
    """

    tool: str
    prompt: str = ""
    seed: int | None = None
    model: str = ""
    gap: str = ""


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
