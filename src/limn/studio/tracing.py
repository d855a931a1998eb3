"""Vector files: beside each picture an SVG traced from it, to be used as an icon."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape, unescape

import numpy as np
from PIL import Image, ImageDraw

from limn.io.atomic import write_bytes
from limn.io.pictures import composite, decode, encode_png, file_bytes
from limn.kernel.errors import InputError, LimnError
from limn.provenance.credential import UnsignedError
from limn.provenance.seal import Seal
from limn.store import read_record
from limn.studio.upscaling import Method

LARGEST: Final = 512
"""Sides from which on a picture is traced as it is; smaller ones are enlarged first, so that curves are smooth."""

PAPER: Final = 235
"""What is lighter than this in a corner is ground, and stays transparent up to the first edge."""

EDGE: Final = 60
"""By how much a channel may differ from the corner within the ground."""

MAX_PIXELS: Final = 4_000_000

_DRAW: Final = {
    "mode": "spline",
    "filter_speckle": 10,
    "color_precision": 7,
    "layer_difference": 12,
    "path_precision": 1,
}
_HEAD: Final = re.compile(
    r"<\?xml[^>]*>\s*(?:<!--.*?-->\s*)?<svg[^>]*?width=\"(\d+)\" height=\"(\d+)\"[^>]*>", re.DOTALL
)
_ABOUT: Final = re.compile(
    r"<metadata>\s*(?:<c2pa:manifest>[^<]*</c2pa:manifest>\s*)?([^<]*)</metadata>"
)  # a credential stands before it


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A vector copy of a picture.

    Args:
        path: Its file.
        kept: Whether it existed already.
    """

    path: Path
    kept: bool


def trace(path: Path, larger: Method, *, replace: bool = False, seal: Seal | None = None) -> Traced:
    """Write an SVG beside a picture, whole or not at all; one that was made just so is kept.

    A white or nearly white ground becomes transparent from the corners to the first edge.

    Args:
        path: A PNG, JPEG or WebP of at most :data:`MAX_PIXELS`; what is transparent counts as white.
        larger: How pictures with a side below :data:`LARGEST` are enlarged before they are traced.
        replace: Whether another file of that name may be overwritten.
        seal: How a copy of what a model drew is signed; not at all if None.

    Returns:
        The copy. Its title is the picture's prompt; its metadata hold name and SHA-256 of the picture.

    Raises:
        InputError: The picture is missing, damaged or too large, the tracer is not installed, or there is another
            file of that name.
        StoreError: The copy cannot be written.
    """
    library, path = tracer(), path.expanduser()
    data = file_bytes(str(path), field="trace")
    about = {
        "of": {"file": path.name, "sha256": hashlib.sha256(data).hexdigest()},
        "enlarged": {"method": larger.name, "weights": larger.weights},
        "drawn": _DRAW,
    }
    target = path.with_suffix(".svg")
    if target.exists():
        if described(file_bytes(str(target), field="trace")) == about:
            return Traced(path=target, kept=True)
        if not replace:
            raise InputError(f"{target}: exists and is not this copy of {path.name}; replace it with --force")
    picture = composite(np.asarray(decode(data, name=str(path), max_pixels=MAX_PIXELS)))
    if max(picture.shape[:2]) < LARGEST:
        picture = larger.enlarge(picture)
    svg: str = library.convert_raw_image_to_svg(encode_png(_without_ground(picture)), img_format="png", **_DRAW)
    title, drawn = _title(path)
    write_bytes(target, _signed(svg, title, about, seal if drawn else None))
    return Traced(path=target, kept=False)


def tracer() -> Any:
    """Return the library that traces.

    Raises:
        InputError: It is not installed.
    """
    try:
        import vtracer
    except ModuleNotFoundError as error:
        raise InputError("an SVG is traced by vtracer; install limn[svg]") from error
    return vtracer


def _without_ground(picture: np.ndarray[Any, np.dtype[np.uint8]]) -> Image.Image:
    """Return an RGBA picture whose ground is transparent."""
    image = Image.fromarray(picture)
    ground, mark = image.copy(), (1, 254, 3)
    for corner in ((0, 0), (image.width - 1, 0), (0, image.height - 1), (image.width - 1, image.height - 1)):
        if min(picture[corner[1], corner[0]]) >= PAPER:
            ImageDraw.floodfill(ground, corner, mark, thresh=EDGE)
    drawn = (np.asarray(ground) != np.asarray(mark)).any(-1)
    return Image.fromarray(np.dstack([picture, np.where(drawn, 255, 0).astype(np.uint8)]))


def _signed(svg: str, title: str, about: dict[str, Any], seal: Seal | None) -> bytes:
    """Return a described SVG with its credential, or with why it has none; none is given to what no model drew."""
    if seal is None:
        return _described(svg, title, {"limn": about}).encode()
    try:
        text = _described(svg, title, {"limn": about, "credential": seal.unsigned or "c2pa"})
        return seal.signed(text.encode(), "SVG")
    except UnsignedError as error:
        return _described(svg, title, {"limn": about, "credential": str(error)}).encode()


def _described(svg: str, title: str, about: dict[str, Any]) -> str:
    """Give an SVG a view box, so that it scales, a title and what it was made from."""

    def head(match: re.Match[str]) -> str:
        box = f'viewBox="0 0 {match[1]} {match[2]}" width="{match[1]}" height="{match[2]}"'
        words = f"<title>{escape(title)}</title>\n" if title else ""
        note = escape(json.dumps(about, sort_keys=True))
        return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>\n{words}<metadata>{note}</metadata>'

    return _HEAD.sub(head, svg, count=1)


def described(data: bytes) -> Any:
    """Return what an SVG of ours says that it was made from; None for any other file.

    >>> described(b'<svg><metadata>{"limn": {"of": 1}}</metadata></svg>')
    {'of': 1}
    """
    match = _ABOUT.search(data.decode("utf-8", "replace"))
    try:
        return json.loads(unescape(match[1]))["limn"] if match else None
    except (ValueError, KeyError, TypeError):
        return None


def _title(path: Path) -> tuple[str, bool]:
    """Return a picture's prompt, and whether it has a record of being drawn."""
    try:
        record = read_record(path, whole=True)
    except LimnError:
        return "", False
    try:
        return str(record["prompt"]["text"]), True
    except (KeyError, TypeError):
        return "", bool(record)
