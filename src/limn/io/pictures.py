"""One safe door through which every picture of a data set is decoded."""

from __future__ import annotations

import io
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from limn.kernel.errors import DataError

__all__ = ["FORMATS", "MAX_PIXELS", "composite", "cover", "decode", "encode_png", "fit"]

FORMATS: Final = ("PNG", "JPEG", "WEBP")
MAX_PIXELS: Final = 32_000_000
_CHUNK: Final = 1 << 16


def decode(data: bytes, *, name: str = "picture", max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode an untrusted PNG, JPEG or WebP, upright, as RGB or RGBA.

    The format and the size are checked on the header, before any pixel is decoded; of an animation
    only the first frame is read.

    Args:
        data: The whole file.
        name: What to call it in an error.
        max_pixels: The largest width times height that is accepted.

    Returns:
        A picture in mode ``RGB``, or ``RGBA`` when the file carries transparency.

    Raises:
        DataError: The file is of another format, too large or damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            pixels = picture.width * picture.height
            if pixels > max_pixels:
                raise DataError(f"{name}: {pixels} pixels, at most {max_pixels} are accepted; scale it down")
            clear = picture.has_transparency_data
            return ImageOps.exif_transpose(picture).convert("RGBA" if clear else "RGB")
    except DataError:
        raise
    except Exception as error:  # Pillow raises many kinds for damaged files, SyntaxError among them
        kinds = "/".join(FORMATS)
        raise DataError(f"{name}: not a readable {kinds} picture; replace or remove it") from error


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
