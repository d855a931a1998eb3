"""Larger copies of pictures: beside each file one with ``-x4`` in its name, which says what it was made from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from limn.io.pictures import composite, decode, file_bytes
from limn.kernel.errors import InputError, LimnError, unknown_name
from limn.models.upsampler import upsampler
from limn.provenance.seal import Seal
from limn.store import read_record, write_png

METHODS: Final = ("learned", "lanczos")
"""Ways to enlarge, the usual one first."""

FACTOR: Final = 4
"""How many times as long each side becomes by Lanczos' filter; an upsampler has a factor of its own."""

MAX_PIXELS: Final = 4_000_000
"""Most pixels of a picture that is to be enlarged."""

Array = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to enlarge pictures.

    Args:
        name: One of :data:`METHODS`.
        factor: How many times as long each side becomes.
        weights: SHA-256 of the upsampler's weights; empty where there are none.
        enlarge: Turns a picture (height, width, 3) into a larger one.
    """

    name: str
    factor: int
    weights: str
    enlarge: Callable[[Array], Array]


@dataclass(frozen=True, kw_only=True)
class Upscaled:
    """A larger copy of a picture.

    Args:
        path: Its file.
        kept: Whether it existed already.
    """

    path: Path
    kept: bool


def method(name: str = METHODS[0], *, model: str | Path = "upsampler", device: str = "cpu") -> Method:
    """Return a way to enlarge pictures, its network loaded.

    Args:
        name: One of :data:`METHODS`.
        model: Which upsampler; a shipped one's name or a folder.
        device: Where it runs.

    Raises:
        InputError: There is no such method or upsampler.
        WeightsError: The upsampler's files are missing, damaged or unsafe.
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    if name == "lanczos":
        return Method(name=name, factor=FACTOR, weights="", enlarge=_lanczos)
    network = upsampler(model, device=device)
    return Method(name=name, factor=network.factor, weights=network.weights, enlarge=network.enlarge)


def place_of(path: Path, factor: int) -> Path:
    """Return where the larger copy of a picture goes.

    >>> place_of(Path("runs/0000-a-cat.png"), 4).name
    '0000-a-cat-x4.png'
    """
    return path.with_name(f"{path.stem}-x{factor}.png")


def upscale(path: Path, how: Method, *, replace: bool = False, seal: Seal | None = None) -> Upscaled:
    """Write a larger copy beside a picture, whole or not at all; one that was made just so is kept.

    Args:
        path: A PNG, JPEG or WebP of at most :data:`MAX_PIXELS`; what is transparent counts as white.
        how: How to enlarge it.
        replace: Whether another file of that name, such as a copy made in another way, may be overwritten.
        seal: How a copy of what a model drew is marked and signed; neither if None.

    Returns:
        The copy. Its record is the picture's, if that has one, with ``upscaled``: method, factor, weights, and
        name and SHA-256 of the picture.

    Raises:
        InputError: The picture is missing, damaged, too large or of another format, or there is another file of
            that name.
        StoreError: The copy cannot be written.
    """
    path = path.expanduser()
    data = file_bytes(str(path), field="upscale")
    record = _record(path)
    source: dict[str, Any] = {"file": path.name, "sha256": hashlib.sha256(data).hexdigest()}
    source |= {name: record.pop(name) for name in ("key", "index", "upscaled") if name in record}
    about = {"method": how.name, "factor": how.factor, "weights": how.weights, "of": source}
    target = place_of(path, how.factor)
    if target.exists():
        if _record(target).get("upscaled") == about:
            return Upscaled(path=target, kept=True)
        if not replace:
            raise InputError(f"{target}: exists and is not this copy of {path.name}; replace it with --force")
    picture = decode(data, name=str(path), max_pixels=MAX_PIXELS)
    pixels = how.enlarge(composite(np.asarray(picture)))
    # A picture that no model drew is not marked as drawn by one because it was enlarged.
    record.pop("provenance", None)
    if seal is not None and record:
        pixels, told = seal.marked(pixels, str(source.get("key") or source["sha256"]))
        record |= {"provenance": told}
    finish = seal.signed if seal is not None and record else bytes
    write_png(target, pixels, {**record, "upscaled": about}, drawn=bool(record), finish=finish)
    return Upscaled(path=target, kept=False)


def _record(path: Path) -> dict[str, Any]:
    """Return a picture's record; nothing where it has none or is damaged."""
    try:
        return read_record(path, whole=True)
    except LimnError:
        return {}


def _lanczos(picture: Array) -> Array:
    size = (picture.shape[1] * FACTOR, picture.shape[0] * FACTOR)
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))
