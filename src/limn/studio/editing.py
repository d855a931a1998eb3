"""From a picture's file, and a mask, a box or a side, to an edit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from PIL import Image

from limn.edit.inpaint import Inpaint
from limn.edit.mask_free import MaskFree
from limn.edit.outpaint import Outpaint, Side
from limn.edit.pictures import draws_tokens
from limn.edit.sdedit import SDEdit
from limn.io.pictures import composite, cover, decode, file_bytes
from limn.kernel.edit import Edit
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.generator import Generator

DRIFT: Final = {"steps": 50, "sampler": "resample"}
"""Options of an edit of tokens without a mask, unless the person says otherwise; steps are how far it goes."""

Array = np.ndarray[Any, np.dtype[np.uint8]]


def edit_of(
    picture: Path,
    generator: Generator,
    *,
    mask: Path | None = None,
    box: str | None = None,
    extend: str | None = None,
    **how: Any,
) -> tuple[Edit, Mapping[str, Any]]:
    """Make the edit that a person asks for; a picture of another size is scaled and cropped, its mask with it.

    Args:
        picture: A PNG, JPEG or WebP; what is transparent counts as white.
        generator: The model that edits, in its own size.
        mask: A picture of the same size, lighter than half where to draw anew; what is transparent counts as black.
        box: In place of a mask: left, top, right, bottom as shares of the sides, ``"0.5,0,1,1"``.
        extend: In place of a mask: a side and pixels, ``"right=16"``.
        **how: Fields of :class:`limn.edit.repainting.Repainting`; None for the edit's own.

    Returns:
        Inpainting, outpainting, or an edit without a mask when nothing says where; and the options of a request that
        belong to it unless the person says otherwise.

    Raises:
        InputError: More than one of them is given, or one cannot be used.
    """
    if sum(choice is not None for choice in (mask, box, extend)) > 1:
        raise InputError("edit: --mask, --box and --extend exclude each other; give one of them")
    image, size = _opened(picture, "picture", (255, 255, 255)), generator.size
    how = {name: value for name, value in how.items() if value is not None}
    if extend is not None:
        side, pixels = _side(extend)
        return Outpaint.of(_across(image, size, side), side, pixels, **how), {}
    if mask is not None:
        region = _opened(mask, "mask", (0, 0, 0)).convert("L")
        if region.size != image.size:
            given, wanted = (f"{width}x{height}" for width, height in (region.size, image.size))
            raise InputError(f"mask: has {given} pixels, the picture {wanted}; draw it on a copy of the picture")
        return Inpaint.of(_fitted(image, size), _fitted(region, size), **how), {}
    if box is not None:
        return Inpaint.box(_fitted(image, size), _box(box), **how), {}
    if not draws_tokens(generator.main):
        return SDEdit.of(_fitted(image, size), **how), {}
    if how:
        raise InputError(f"{next(iter(how))}: is about noise, this model draws tokens; --steps say how far it goes")
    return MaskFree.of(_fitted(image, size)), DRIFT


def _opened(path: Path, what: str, ground: tuple[int, int, int]) -> Image.Image:
    image = decode(file_bytes(str(path), field=what), name=f"{what} {path.name}")
    return Image.fromarray(composite(np.asarray(image), ground))


def _fitted(image: Image.Image, size: tuple[int, int]) -> Array:
    """Scale and crop to a square of the model's size."""
    return np.asarray(cover(image, size[0]))


def _across(image: Image.Image, size: tuple[int, int], side: Side) -> Array:
    """Scale so that the edge at which the picture grows is as long as the model's."""
    tall = side in ("top", "bottom")
    scale = size[1] / image.width if tall else size[0] / image.height
    wanted = (size[1], round(image.height * scale)) if tall else (round(image.width * scale), size[0])
    if max(wanted) > 4096 or min(wanted) < 1:
        raise InputError(f"picture: {image.width}x{image.height} pixels are too long and thin; crop it")
    return np.asarray(image if image.size == wanted else image.resize(wanted, Image.Resampling.LANCZOS))


def _side(text: str) -> tuple[Side, int]:
    name, _, pixels = text.partition("=")
    known = get_args(Side)
    if name.strip() not in known:
        raise unknown_name("side", name.strip(), known)
    if not pixels.strip().isdecimal():
        raise InputError(f"extend: {text[:40]!r} is not of the form right=16; give a side and pixels")
    side: Side = name.strip()  # type: ignore[assignment]
    return side, int(pixels.strip()[:9])


def _box(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(side) for side in text.split(","))
    except ValueError:
        raise InputError(f"box: {text[:40]!r} is not of the form left,top,right,bottom; as 0.5,0,1,1") from None
    return left, top, right, bottom
