"""Contact sheets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from limn.kernel.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


def grid(
    pictures: Sequence[Image | np.ndarray[Any, np.dtype[np.uint8]]],
    columns: int | None = None,
    *,
    gap: int = 2,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Image:
    """Lay pictures out in rows, each in the middle of a cell as large as the largest.

    Args:
        pictures: Pillow images, or arrays (height, width, 3) of uint8.
        columns: Pictures in a row; as square as it goes when ``None``.
        gap: Pixels between cells.
        background: Colour behind and between.

    Raises:
        InputError: If there are no pictures, or the columns are not a positive number.
    """
    from PIL import Image

    if not pictures:
        raise InputError("grid: no pictures; draw at least one")
    columns = math.ceil(math.sqrt(len(pictures))) if columns is None else columns
    if columns < 1 or gap < 0:
        raise InputError(f"grid: {columns} columns with a gap of {gap} are not allowed; give at least 1 and 0")
    images = [picture if isinstance(picture, Image.Image) else Image.fromarray(picture) for picture in pictures]
    columns, rows = min(columns, len(images)), math.ceil(len(images) / columns)
    width, height = max(image.width for image in images), max(image.height for image in images)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), background)
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        left = column * (width + gap) + (width - image.width) // 2
        sheet.paste(image, (left, row * (height + gap) + (height - image.height) // 2))
    return sheet
