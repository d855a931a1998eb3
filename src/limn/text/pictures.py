"""Pictures in prompts: ``[A] in the style of [B]`` with a file for each letter."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from limn.kernel.errors import DataError, InputError
from limn.kernel.prompt import PLACE, Prompt
from limn.kernel.request import Request

if TYPE_CHECKING:
    from PIL import Image

SIDE: Final = 64
"""Side in pixels at which pictures of prompts are read and recorded."""

MOST: Final = 8
"""Most pictures of a prompt."""

MAX_WEIGHT: Final = 100.0

_NAMED = re.compile(r"([A-Za-z]\w{0,31})=(.*)", re.DOTALL)
_PLACES = re.compile(r"\[([A-Za-z]\w{0,31})\]")


@dataclass(frozen=True, kw_only=True)
class Given:
    """A picture that a person gave.

    Args:
        name: The place in prompts that it is for; empty for after the words.
        png: It, cropped and scaled to :data:`SIDE`.
        weight: How much it counts.
        sha256: Of the file.
    """

    name: str
    png: bytes
    weight: float
    sha256: str


def pictured(request: Request) -> Request:
    """Return a request whose pictures stand in its prompts.

    Raises:
        InputError: A picture cannot be read, is named twice, or has no place in any prompt.
    """
    if not request.picture:
        return request
    given = [read(text) for text in request.picture]
    named = {picture.name: picture for picture in given if picture.name}
    loose = [picture for picture in given if not picture.name]
    if len(named) + len(loose) < len(given):
        raise InputError("picture: two have one name; give each a name of its own, as A=cat.png")
    for name in named:
        if not any(f"[{name}]" in prompt.text for prompt in request.prompts):
            raise InputError(f"picture {name}: no prompt says [{name}]; write it where the picture belongs")
    return replace(request, prompts=tuple(_placed(prompt, named, loose) for prompt in request.prompts), picture=())


def read(text: str) -> Given:
    """Read ``A=cat.png:0.8``, ``A=cat.png`` or ``cat.png``.

    Raises:
        InputError: The weight is no number from 0 to 100, a URL is named, or the file is missing, huge or damaged.
    """
    from limn.io.pictures import decode, file_bytes

    match = _NAMED.fullmatch(text)
    name, path = match.groups() if match else ("", text)
    weight = 1.0
    head, colon, tail = path.rpartition(":")
    if colon and re.fullmatch(r"[-+.\deE]+|nan|inf", tail):
        path, weight = head, _weight(text, tail)
    if re.match(r"\w+://", path):
        raise InputError(
            f"picture: {path[:100]!r} is an address; limn fetches nothing, download it and name the file"
        )
    data = file_bytes(path, field="picture")
    try:
        picture = decode(data, name=path)
    except DataError as error:
        raise InputError(f"picture: {error}") from None
    return Given(name=name, png=shrunk(picture), weight=weight, sha256=hashlib.sha256(data).hexdigest())


def shrunk(picture: Image.Image) -> bytes:
    """Return a picture as a PNG of :data:`SIDE` pixels, whole in the middle of white."""
    import numpy as np
    from PIL import Image

    from limn.io.pictures import composite, encode_png, fit

    return encode_png(Image.fromarray(composite(np.asarray(fit(picture, SIDE)))))


def _weight(text: str, number: str) -> float:
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not 0 <= weight <= MAX_WEIGHT:
        raise InputError(f"picture {text[:60]!r}: give a weight from 0 to {MAX_WEIGHT:g}")
    return weight


def _placed(prompt: Prompt, named: dict[str, Given], loose: list[Given]) -> Prompt:
    """Put pictures into a prompt, in the order of their places; loose ones after its words."""
    here = [named[name] for name in _PLACES.findall(prompt.text) if name in named] + loose
    if not here:
        return prompt
    if prompt.images:
        raise InputError("picture: the prompt has pictures already; give all of them in one way")
    if len(here) > MOST:
        raise InputError(f"picture: {len(here)} in one prompt, at most {MOST} are read; leave some out")
    text = _PLACES.sub(lambda match: PLACE if match[1] in named else match[0], prompt.text)
    text += (" " + PLACE * len(loose)) if loose else ""
    weights = (1.0, *(picture.weight for picture in here))
    return replace(
        prompt,
        text=text,
        images=tuple(picture.png for picture in here),
        weights=weights if set(weights) != {1.0} else (),
        sources=tuple(picture.sha256 for picture in here),
    )
