"""Pictures a person hands over to steer by, as arrays of the size that is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from limn.io.pictures import composite, decode
from limn.kernel.errors import InputError

__all__ = ["MAX_BYTES", "colours", "file_bytes", "greys"]

MAX_BYTES: Final = 64 * 2**20


def file_bytes(path: str, *, field: str) -> bytes:
    """Read the file of a picture.

    Args:
        path: Its path; ``~`` is the home folder.
        field: The option that named it, for messages.

    Raises:
        InputError: There is no such file, or it is larger than 64 MiB.
    """
    file = Path(path).expanduser()
    try:
        if file.is_file() and file.stat().st_size <= MAX_BYTES:
            return file.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"{field}: {path[:200]!r} cannot be read ({error}); give another file") from None
    reason = f"is larger than {MAX_BYTES >> 20} MiB" if file.is_file() else "is no file"
    raise InputError(f"{field}: {path[:200]!r} {reason}; give the path of a PNG, JPEG or WebP")


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
