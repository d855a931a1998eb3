"""Pictures for the pages: labelled rows, and grids as large as a limit of bytes allows."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.kit.drawing import Pixels
from benchmarks.kit.results import picture


def rows(
    name: str,
    groups: Mapping[str, Sequence[Pixels] | Pixels],
    *,
    columns: int = 12, scale: int = 2, label: int = 170,
) -> None:  # fmt: skip
    """Write ``docs/pictures/NAME.webp``: a labelled row for each group of pictures, enlarged without smoothing."""
    side, gap = next(iter(groups.values()))[0].shape[0] * scale, 4
    columns = min(columns, max(len(group) for group in groups.values()))
    image = Image.new("RGB", (label + columns * (side + gap), len(groups) * (side + gap)), "white")
    pen = ImageDraw.Draw(image)
    for row, (text, group) in enumerate(groups.items()):
        top = row * (side + gap)
        pen.text((4, top + side // 2 - 6), text, fill="black")
        for column, pixels in enumerate(group[:columns]):
            tile = Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
            image.paste(tile, (label + column * (side + gap), top))
    image.save(picture(f"pictures/{name}.webp"), quality=80, method=6)


def captioned(image: Image.Image, text: str, size: int = 13) -> Image.Image:
    """Put a line of text under a picture."""
    high = round(1.7 * size)
    found = Image.new("RGB", (image.width, image.height + high), "white")
    found.paste(image, (0, 0))
    pen = ImageDraw.Draw(found)
    pen.text((image.width / 2, image.height + 4), text, fill="black", anchor="ma", font_size=size)
    return found


def small(image: Image.Image, path: Path, most: int = 150_000, **options: Any) -> None:
    """Save as WebP, as good as a limit of bytes allows."""
    for quality in (80, 70, 60, 50, 40, 30, 20, 10):
        packed = io.BytesIO()
        image.save(packed, "WEBP", quality=quality, method=6, **options)
        if packed.tell() <= most:
            break
    path.write_bytes(packed.getvalue())
