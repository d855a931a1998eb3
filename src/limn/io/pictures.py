"""The one safe door through which every picture is decoded, and the shapes in which pictures are wanted."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from limn.io.files import read_bounded
from limn.kernel.errors import DataError, InputError

FORMATS: Final = ("PNG", "JPEG", "WEBP")
MAX_PIXELS: Final = 32_000_000
MAX_BYTES: Final = 64 * 2**20
MAX_SIDE: Final = 2**15  # pixels
MAX_DRAWN: Final = 2**24  # pixels of a picture that limn drew
MAX_ENLARGED: Final = 2**28  # pixels of one that limn enlarged
_CHUNK: Final = 1 << 16


def decode(
    data: bytes,
    *,
    name: str = "picture",
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] = FORMATS,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """Decode an untrusted PNG, JPEG or WebP, upright, as RGB or RGBA of 8 bits.

    The format and the size are checked on the header, before any pixel is decoded; of an animation
    only the first frame is read.

    Args:
        data: The whole file.
        name: What to call it in an error.
        max_pixels: The largest width times height that is accepted.
        formats: Those that are accepted.
        size: Height and width that it must have; any if ``None``.

    Returns:
        A picture in mode ``RGB``, or ``RGBA`` when the file carries transparency.

    Raises:
        DataError: The file is of another format, too large or damaged.
    """
    picture = open_picture(data, name=name, max_pixels=max_pixels, formats=formats, size=size)
    if picture.mode.startswith("I"):
        picture = _eight_bits(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    return picture if picture.mode == mode else picture.convert(mode)


def open_picture(
    data: bytes,
    *,
    name: str,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] = FORMATS,
    size: tuple[int, int] | None = None,
) -> Image.Image:
    """Open an untrusted picture as :func:`decode` does, in the file's own mode; grey may have 16 bits.

    Raises:
        DataError: As :func:`decode`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=formats)
            pixels = picture.width * picture.height
            if pixels > max_pixels:
                raise DataError(f"{name}: {pixels} pixels, at most {max_pixels} are accepted; scale it down")
            if max(picture.size) > MAX_SIDE:
                raise DataError(
                    f"{name}: a side of {max(picture.size)} pixels, at most {MAX_SIDE} are accepted; crop it"
                )
            if size is not None and size != (picture.height, picture.width):
                raise DataError(f"{name}: its size is not what its record says; it was changed")
            picture.load()
            ImageOps.exif_transpose(picture, in_place=True)
            return picture
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files, SyntaxError among them
        raise DataError(f"{name}: not a readable {'/'.join(formats)} picture; replace or remove it") from error


def read_picture(path: Path, *, size: tuple[int, int] | None = None, max_pixels: int = MAX_DRAWN) -> Image.Image:
    """Read a PNG that limn drew, as RGB.

    Args:
        path: The file.
        size: Height and width that it must have; any if ``None``.
        max_pixels: The largest width times height that is accepted.

    Raises:
        DataError: It is missing, damaged, of another size or no PNG.
    """
    data = read_bounded(path, 4 * max_pixels, "it is no picture that limn drew", error=DataError)
    picture = decode(data, name=str(path), max_pixels=max_pixels, formats=("PNG",), size=size)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Bring grey of 16 bits to 8; the one value that counts as transparent stays so."""
    values = np.asarray(picture).astype(np.int64)
    grey = Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))
    if "transparency" not in picture.info:
        return grey
    shown = np.where(values == picture.info["transparency"], 0, 255).astype(np.uint8)
    return Image.merge("LA", (grey, Image.fromarray(shown)))


def composite(pictures: NDArray[np.uint8], background: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
    """Lay pictures with transparency over one colour.

    Args:
        pictures: ``(..., 4)`` straight-alpha RGBA, or ``(..., 3)`` RGB, which is returned as it is.
        background: Red, green and blue, 0 to 255.

    Returns:
        ``(..., 3)`` RGB.

    >>> composite(np.array([[[10, 20, 30, 0]]], np.uint8)).tolist()
    [[[255, 255, 255]]]
    """
    if pictures.shape[-1] == 3:
        return pictures
    flat = pictures.reshape(-1, 4)
    out = np.empty((len(flat), 3), np.uint8)
    ground = np.asarray(background, np.uint16)
    for start in range(0, len(flat), _CHUNK):  # in pieces that stay in the processor's cache
        part = flat[start : start + _CHUNK]
        alpha = part[:, 3:].astype(np.uint16)
        out[start : start + _CHUNK] = (part[:, :3] * alpha + ground * (255 - alpha) + 127) // 255
    return out.reshape(*pictures.shape[:-1], 3)


def fit(picture: Image.Image, size: int) -> Image.Image:
    """Scale a picture to fit a square and centre it there on transparent ground.

    Args:
        picture: Any RGB or RGBA picture.
        size: The side of the square, in pixels.

    Returns:
        An RGBA picture of ``size`` by ``size``.
    """
    picture = picture.convert("RGBA")
    scale = size / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    if width == height:
        return picture
    square = Image.new("RGBA", (size, size))
    square.paste(picture, ((size - width) // 2, (size - height) // 2))
    return square


def cover(picture: Image.Image, size: int) -> Image.Image:
    """Scale a picture to fill a square, and crop what stands over on both sides alike."""
    if picture.size == (size, size):
        return picture
    return ImageOps.fit(picture, (size, size), Image.Resampling.LANCZOS)


def encode_png(picture: Image.Image) -> bytes:
    """Pack a picture as PNG bytes without metadata."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()


def file_bytes(path: str, *, field: str) -> bytes:
    """Read the file of a picture that a person names.

    Args:
        path: Its path; ``~`` is the home folder.
        field: The option that named it, for messages.

    Raises:
        InputError: There is no such file, or it is larger than 64 MiB.
    """
    try:
        return read_bounded(Path(path).expanduser(), MAX_BYTES, "scale it down", error=InputError)
    except InputError as error:
        raise InputError(f"{field}: {error}") from None


def colours(data: bytes, height: int, width: int, *, name: str = "picture") -> NDArray[np.float32]:
    """Decode a picture, scaled to fill a size and cropped to it, what is transparent on white.

    Args:
        data: A whole PNG, JPEG or WebP.
        height: Pixels.
        width: Pixels.
        name: What to call it in an error.

    Returns:
        (3, height, width) in [-1, 1].

    Raises:
        DataError: The file is of another format, too large or damaged.
    """
    picture = decode(data, name=name)
    if picture.mode == "RGBA":
        picture = Image.fromarray(composite(np.asarray(picture)))
    pixels = np.asarray(_fill(picture, height, width), np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)) / np.float32(127.5) - 1


def greys(data: bytes, height: int, width: int, *, name: str = "mask") -> NDArray[np.float32]:
    """Decode a mask as :func:`colours` does; white is 1 and black is 0, (height, width)."""
    picture = decode(data, name=name)
    if picture.mode == "RGBA":
        picture = Image.fromarray(composite(np.asarray(picture), (0, 0, 0)))
    return np.asarray(_fill(picture.convert("L"), height, width), np.float32) / np.float32(255)


def _fill(picture: Image.Image, height: int, width: int) -> Image.Image:
    if picture.size == (width, height):
        return picture
    how = Image.Resampling.BOX if picture.mode == "L" else Image.Resampling.LANCZOS
    return ImageOps.fit(picture, (width, height), how)
