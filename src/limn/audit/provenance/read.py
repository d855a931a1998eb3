"""What a picture's file says of how it was made, in whatever form its tool writes that."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path

from PIL import Image

from limn.audit.provenance import a1111, c2pa, comfyui, invokeai
from limn.audit.provenance.record import Provenance
from limn.io.files import read_bounded
from limn.io.pictures import FORMATS, MAX_BYTES
from limn.kernel.errors import DataError

HOLDERS = ("parameters", "prompt", "workflow", "invokeai_metadata", "sd-metadata", "Comment", "Description")
"""Keywords under which tools write how a picture was made."""

_EXIF, _COMMENT = 0x8769, 0x9286
_UNPREFIXED = 8  # bytes of a user comment that name its characters


def read_provenance(path: Path) -> Provenance | None:
    """Return what a PNG, JPEG or WebP says of how it was made; None where it says nothing.

    Raises:
        DataError: If the file cannot be read, or is no picture.
    """
    data = read_bounded(path, MAX_BYTES, "scale the picture down", error=DataError)
    try:
        with warnings.catch_warnings():  # no pixel is decoded here, however many there are
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        with picture:
            texts = _texts(picture)
            claimed = c2pa.read(picture, data)
    except Exception as error:  # Pillow raises many kinds for damaged files
        raise DataError(f"{path}: not a readable picture; replace or remove it") from error
    record = invokeai.read(texts) or comfyui.read(texts) or a1111.read(texts)
    if record is None and claimed is None and (names := [name for name in HOLDERS if name in texts]):
        return Provenance(tool=" and ".join(names), gap="of no form that is read here")
    if record is None or record.model or claimed is None:
        return record or claimed
    return replace(record, model=claimed.model)


def _texts(picture: Image.Image) -> dict[str, str]:
    """Return the texts of a file by keyword."""
    texts = {str(name): text for name, text in picture.info.items() if isinstance(text, str)}
    # Pillow decodes a PNG's pixels to look for EXIF behind them
    exif = picture.getexif() if picture.format != "PNG" or "exif" in picture.info else Image.Exif()
    comment = exif.get_ifd(_EXIF).get(_COMMENT)
    if isinstance(comment, bytes | str) and (text := _comment(comment)):
        texts.setdefault("parameters", text)
    for value in exif.values():  # ComfyUI's WebP: "prompt:{...}" and "workflow:{...}"
        name, colon, text = value.partition(":") if isinstance(value, str) else ("", "", "")
        if colon and name in ("prompt", "workflow"):
            texts.setdefault(name, text.rstrip("\0"))
    return texts


def _comment(comment: bytes | str) -> str:
    """Return EXIF's user comment; Unicode is UTF-16 of either order, which the zeros of its letters tell."""
    if isinstance(comment, str):
        return comment
    code, text = comment[:_UNPREFIXED], comment[_UNPREFIXED:]
    if code == b"UNICODE\0":
        big = text[::2].count(0) >= text[1::2].count(0)
        return text.decode("utf-16-be" if big else "utf-16-le", "replace")
    return (text if code == b"ASCII\0\0\0" else comment).decode("utf-8", "replace").strip("\0")
