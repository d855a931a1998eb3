"""PNG files that carry their own record.

Three text chunks: ``limn`` holds the record as ASCII JSON and is the truth, ``parameters`` says the same in the
community's form for people and other tools, and an XMP packet marks the picture as made by a model. Every chunk of
a PNG has a checksum, so a picture shows by itself whether it is whole.
"""

from __future__ import annotations

import io
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from limn.io.atomic import explained, write_bytes
from limn.io.configurations import finite, no_number
from limn.kernel.errors import InputError
from limn.store.parameters import parameters_text

if TYPE_CHECKING:
    import numpy as np

MAX_TEXT = 10 * 2**20  # bytes of a record, packed or unpacked
_MAX_CHUNKS = 20_000
_PILLOW_TEXT = 2**20  # Pillow refuses to open a picture whose packed text is longer than this
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"limn"
XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    "<Iptc4xmpExt:DigitalSourceType>"
    "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    "</Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)


def encode_png(
    pixels: np.ndarray[Any, np.dtype[np.uint8]], record: Mapping[str, Any], *, drawn: bool = True
) -> bytes:
    """Return a picture with its record as the bytes of a PNG file; the same input gives the same bytes.

    Args:
        pixels: (height, width, 3), uint8.
        record: JSON-ready data, at most 10 MB.
        drawn: Whether to mark it as made by a model.

    Raises:
        InputError: If the pixels are of another shape or type, or the record is not plain JSON or is too large.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if str(pixels.dtype) != "uint8" or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise InputError(
            f"pixels: {pixels.dtype} of shape {tuple(pixels.shape)} given; give uint8 of shape (height, width, 3)"
        )
    text = _text(record)
    info = PngInfo()
    info.add_text("limn", text, zip=2000 < len(text) <= _PILLOW_TEXT)
    info.add_text("parameters", parameters_text(record))
    if drawn:
        info.add_itxt("XML:com.adobe.xmp", XMP)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


def write_png(
    path: Path,
    pixels: np.ndarray[Any, np.dtype[np.uint8]],
    record: Mapping[str, Any],
    *,
    drawn: bool = True,
    finish: Callable[[bytes], bytes] = bytes,
) -> None:
    """Write a picture with its record, whole or not at all.

    Args:
        path: Where.
        pixels: (height, width, 3), uint8.
        record: JSON-ready data, at most 10 MB.
        drawn: Whether to mark it as made by a model.
        finish: What is done to the whole file at last, such as signing it.

    Raises:
        InputError: As :func:`encode_png`, and if the path cannot name a file.
        StoreError: If the file cannot be written.
    """
    write_bytes(Path(path), finish(encode_png(pixels, record, drawn=drawn)))


def read_record(path: Path, *, whole: bool = False) -> dict[str, Any]:
    """Read our record back from a PNG, without decoding its pixels and within fixed bounds of memory.

    Args:
        path: The picture.
        whole: Also read the whole file and check every checksum.

    Raises:
        InputError: If the file is missing, damaged, or has no such record.
    """
    path = Path(path)
    with explained(path):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a file; name a PNG that limn drew")
        with path.open("rb") as file:
            try:
                return _read(file, os.fstat(file.fileno()).st_size, whole)
            except _Damage as damage:
                raise InputError(f"{path}: {damage}") from None


def size_of(path: Path) -> tuple[int, int]:
    """Return height and width that a PNG's header names."""
    with explained(path), path.open("rb") as file:
        width, height = struct.unpack(">II", file.read(24)[16:].ljust(8, b"\0"))
    return height, width


class _Damage(Exception):
    """Why a file is not a picture of ours."""


def _read(file: BinaryIO, size: int, whole: bool) -> dict[str, Any]:
    record = None
    for kind, length in _chunks(file, size):
        wanted = record is None and kind in (b"tEXt", b"zTXt", b"iTXt") and length <= MAX_TEXT
        if wanted:
            data = file.read(length)
            _check(file, zlib.crc32(data, zlib.crc32(kind)), kind)
            keyword, _, rest = data.partition(b"\0")
            record = _parse(kind, rest) if keyword == _KEYWORD else None
        elif whole:
            _check(file, _checksum(file, length, zlib.crc32(kind)), kind)
        if record is not None and not whole:
            break
    if whole and file.read(1):
        raise _Damage("has something after its end; draw it again")
    if record is None:
        raise _Damage("has no limn record; name a PNG that limn drew and that was not changed since")
    return record


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Give each chunk's kind and length, the file standing at its data; in the end it stands behind IEND."""
    if file.read(8) != _SIGNATURE:
        raise _Damage("is not a PNG; name a PNG that limn drew")
    place = 8
    for _ in range(_MAX_CHUNKS):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        place += 12 + length
        if place > size:
            break
        yield kind, length
        if kind == b"IEND":
            file.seek(place)
            return
    raise _Damage("is damaged: it ends early; draw it again")


def _checksum(file: BinaryIO, length: int, start: int) -> int:
    while length:
        piece = file.read(min(length, 2**20))
        if not piece:
            break
        start, length = zlib.crc32(piece, start), length - len(piece)
    return start


def _check(file: BinaryIO, checksum: int, kind: bytes) -> None:
    if file.read(4) != struct.pack(">I", checksum):
        raise _Damage(f"is damaged in its {kind.decode('ascii', 'replace')!r} chunk; draw it again")


def _parse(kind: bytes, rest: bytes) -> dict[str, Any]:
    if kind == b"zTXt":
        rest = _unpack(rest[1:])
    elif kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
        rest = _unpack(rest) if packed else rest
    try:
        record = json.loads(rest, parse_constant=no_number, parse_float=finite)
    except (ValueError, RecursionError):
        raise _Damage("has a limn record that cannot be read; name a PNG that was not changed") from None
    if not isinstance(record, dict):
        raise _Damage("has a limn record that cannot be read; name a PNG that was not changed")
    return record


def _unpack(data: bytes) -> bytes:
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(data, MAX_TEXT + 1)
    except zlib.error:
        raise _Damage("has a limn record that cannot be unpacked; name a PNG that was not changed") from None
    if len(text) > MAX_TEXT:
        raise _Damage("has a limn record of more than 10 MB; limn does not write such, do not trust the file")
    return text


def _text(record: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"record: cannot be written as JSON ({error}); give plain values") from None
    if len(text) > MAX_TEXT - 100:
        raise InputError(f"record: {len(text):,} bytes; at most 10 MB fit into a picture, shorten it")
    return text
