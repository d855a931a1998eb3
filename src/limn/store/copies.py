"""Copies of pictures as WebP or JPEG, which say what the PNG says: record, community text, and who made it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from limn.io.pictures import read_picture
from limn.store.parameters import parameters_text
from limn.store.png import XMP, read_record

FORMATS: Final = ("webp", "jpeg")
MAX_SEGMENT: Final = 60_000  # bytes that a JPEG holds of a packet in one piece
_EXIF, _COMMENT = 0x8769, 0x9286


def copy_as(path: Path, kind: str, *, quality: int = 90, side: int | None = None) -> bytes:
    """Return a picture that limn drew in another format, with its record where that is short enough.

    Args:
        path: The PNG.
        kind: One of :data:`FORMATS`.
        quality: From 0 to 100.
        side: Longest side in pixels; as the picture's if ``None``.

    Raises:
        InputError: It is no picture that limn drew.
    """
    from PIL import Image

    record, picture = read_record(path), read_picture(path)
    if side is not None and max(picture.size) > side:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, kind.upper(), quality=quality, exif=_exif(record), xmp=packet(record))
    return buffer.getvalue()


def packet(record: Mapping[str, Any]) -> bytes:
    """Return the XMP packet that marks a picture as made by a model, with its record."""
    text = json.dumps(record, ensure_ascii=True, separators=(",", ":"))
    own = f'<limn:record xmlns:limn="https://limn.invalid/record/1">{escape(text)}</limn:record>'
    whole = XMP.replace("</rdf:Description>", f"{own}</rdf:Description>")
    return (whole if len(whole) <= MAX_SEGMENT else XMP).encode()


def _exif(record: dict[str, Any]) -> bytes:
    """Return EXIF with the community's text as its comment, as other tools write and read it."""
    from PIL import Image

    exif, text = Image.Exif(), parameters_text(record)
    if len(text) < MAX_SEGMENT // 2:
        exif.get_ifd(_EXIF)[_COMMENT] = b"UNICODE\0" + text.encode("utf-16-be")
    return exif.tobytes()
