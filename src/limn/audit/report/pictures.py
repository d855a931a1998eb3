"""Pictures inside a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from limn.audit.report.words import element

SHOWN = 64  # pixels on the page
SHARP = 2  # pixels of a screen for each of them


def thumbnail(picture: NDArray[np.uint8], *, side: int = SHOWN * SHARP) -> str:
    """Return a picture as an image that the page carries; large ones are scaled down, small ones keep every pixel.

    Args:
        picture: uint8 (height, width, 3).
        side: Most pixels of the longer side.
    """
    from PIL import Image

    image, buffer = Image.fromarray(picture), io.BytesIO()
    small = max(image.size) <= side
    if small:
        image.save(buffer, "PNG", optimize=True)
    else:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        image.save(buffer, "JPEG", quality=88)
    kind = "png" if small else "jpeg"
    data = base64.b64encode(buffer.getvalue()).decode()
    crisp = "small" if max(picture.shape[:2]) <= SHOWN else None
    return element("img", src=f"data:image/{kind};base64,{data}", alt="", class_=crisp).removesuffix("</img>")
