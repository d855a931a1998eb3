"""What a person asks for: pure, hashable data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from limn.kernel.errors import InputError

MAX_CHARACTERS = 20_000

PLACE = "\ufffc"
"""Stands in a prompt's text where a picture belongs, the first for the first one (Unicode's object replacement)."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """Words that belong to a part of the picture.

    Args:
        words: A piece of the prompt's text.
        box: Left, top, right, bottom as shares of the picture's sides, each in [0, 1].
        mask: PNG bytes of a grey mask (white: inside), used instead of the box when not empty.
        weight: Strength of the region.
        adapter: File of an adapter that acts there, perhaps with its weight, as ``zorp.safetensors:0.8``.
    """

    words: str
    box: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    mask: bytes = b""
    weight: float = 1.0
    adapter: str = ""

    def __post_init__(self) -> None:
        left, top, right, bottom = self.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise InputError(f"region box {self.box}: give left < right and top < bottom, all within 0 and 1")


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A captioned picture that was looked up for a prompt.

    Args:
        name: What its collection calls it.
        caption: Its words.
        image: PNG bytes.
        score: How well it fits, by the measure it was looked up by.
    """

    name: str
    caption: str
    image: bytes
    score: float = 0.0


@dataclass(frozen=True)
class Prompt:
    """Text, pictures and regions that describe the picture wanted.

    Args:
        text: Words in any language; may be empty. Each :data:`PLACE` in it is where a picture belongs; without any,
            pictures stand after the words.
        images: Encoded pictures (PNG bytes) that are part of the prompt.
        regions: Which words belong where.
        weights: One weight for each part, the text first and then the pictures; empty means all 1.
        sources: SHA-256 of the file that each picture was read from, where that is known.
        neighbours: Captioned pictures that were looked up for it.

    Raises:
        InputError: If the text cannot be encoded or is too long, or weights or places do not fit the parts.

    >>> Prompt("a red heart").saying("a blue heart").text
    'a blue heart'
    """

    text: str = ""
    images: tuple[bytes, ...] = ()
    regions: tuple[Region, ...] = ()
    weights: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    def __post_init__(self) -> None:
        _check_text(self.text)
        if self.weights and len(self.weights) != 1 + len(self.images):
            raise InputError(
                f"prompt weights: {len(self.weights)} given for {1 + len(self.images)} parts; give one for each part"
            )
        if not all(math.isfinite(weight) for weight in self.weights):
            raise InputError("prompt weights: every weight must be a finite number")
        places = self.text.count(PLACE)
        if places and places != len(self.images):
            raise InputError(
                f"prompt: has {places} places for pictures and {len(self.images)} pictures; give as many"
            )
        if self.sources and len(self.sources) != len(self.images):
            raise InputError("prompt sources: give one for each picture, or none")

    @property
    def parts(self) -> list[tuple[str | bytes, float]]:
        """Words and pictures in their order, each with its weight.

        >>> [part for part, _ in Prompt("a cat like \ufffc there", (b"png",)).parts]
        ['a cat like', b'png', 'there']
        """
        weights = self.weights or (1.0,) * (1 + len(self.images))
        pictures = list(zip(self.images, weights[1:], strict=True))
        said = self.text if PLACE in self.text else self.text + PLACE * len(self.images)
        parts: list[tuple[str | bytes, float]] = []
        for place, words in enumerate(said.split(PLACE)):
            parts += [pictures[place - 1]] if place else []
            parts += [(words.strip(), weights[0])] if words.strip() else []
        return parts

    def saying(self, text: str) -> Prompt:
        """Return the same prompt with another text; regions that name missing words are left out."""
        kept = tuple(region for region in self.regions if region.words in text)
        text = text if text.count(PLACE) == len(self.images) else text.replace(PLACE, "")
        return replace(self, text=text, regions=kept)


def _check_text(text: str) -> None:
    if not isinstance(text, str):
        raise InputError(f"prompt: give text, not {type(text).__name__}")
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"prompt: {len(text):,} characters; at most {MAX_CHARACTERS:,} are allowed, shorten it")
    if "\x00" in text:
        raise InputError("prompt: contains a NUL character; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("prompt: contains half a character (a lone surrogate); remove it or fix the encoding")


def prompt_record(prompt: Prompt) -> dict[str, Any]:
    """Return a prompt as JSON-ready data."""
    record: dict[str, Any] = {"text": prompt.text}
    if prompt.images:
        record["images"] = [image.hex() for image in prompt.images]
    if prompt.regions:
        record["regions"] = [
            {
                "words": region.words, "box": list(region.box), "mask": region.mask.hex(), "weight": region.weight,
                **({"adapter": region.adapter} if region.adapter else {}),
            }
            for region in prompt.regions
        ]  # fmt: skip
    if prompt.weights:
        record["weights"] = list(prompt.weights)
    if prompt.sources:
        record["sources"] = list(prompt.sources)
    if prompt.neighbours:
        record["neighbours"] = [
            {"name": one.name, "caption": one.caption, "image": one.image.hex(), "score": one.score}
            for one in prompt.neighbours
        ]
    return record


def prompt_from(record: Mapping[str, Any]) -> Prompt:
    """Return the prompt of a record; the inverse of :func:`prompt_record`."""
    regions = tuple(
        Region(
            words=region["words"],
            box=tuple(region["box"]),
            mask=bytes.fromhex(region["mask"]),
            weight=region["weight"],
            adapter=region.get("adapter", ""),
        )
        for region in record.get("regions", ())
    )
    images = tuple(bytes.fromhex(image) for image in record.get("images", ()))
    neighbours = tuple(
        Neighbour(**{**one, "image": bytes.fromhex(one["image"])}) for one in record.get("neighbours", ())
    )
    weights, sources = (tuple(record.get(name, ())) for name in ("weights", "sources"))
    return Prompt(record["text"], images, regions, weights, sources, neighbours)
