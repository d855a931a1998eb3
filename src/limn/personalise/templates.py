"""Sentences that a word is learned in (Gal et al. 2023, appendix; as in the authors' code)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from limn.encoders.familiar import words_of

Kind = Literal["plain", "object", "style"]

PLAIN: Final = ("a {}", "a picture of a {}", "an icon of a {}", "an emoji of a {}")

OBJECT: Final = (
    "a photo of a {}", "a rendering of a {}", "a cropped photo of the {}", "the photo of a {}",
    "a photo of a clean {}", "a photo of a dirty {}", "a dark photo of the {}", "a photo of my {}",
    "a photo of the cool {}", "a close-up photo of a {}", "a bright photo of the {}", "a cropped photo of a {}",
    "a photo of the {}", "a good photo of the {}", "a photo of one {}", "a close-up photo of the {}",
    "a rendition of the {}", "a photo of the clean {}", "a rendition of a {}", "a photo of a nice {}",
    "a good photo of a {}", "a photo of the nice {}", "a photo of the small {}", "a photo of the weird {}",
    "a photo of the large {}", "a photo of a cool {}", "a photo of a small {}",
)  # fmt: skip
STYLE: Final = (
    "a painting in the style of {}", "a rendering in the style of {}", "a cropped painting in the style of {}",
    "the painting in the style of {}", "a clean painting in the style of {}", "a dirty painting in the style of {}",
    "a dark painting in the style of {}", "a picture in the style of {}", "a cool painting in the style of {}",
    "a close-up painting in the style of {}", "a bright painting in the style of {}",
    "a good painting in the style of {}", "a close-up rendition in the style of {}",
    "a rendition in the style of {}", "a nice painting in the style of {}", "a small painting in the style of {}",
    "a weird painting in the style of {}", "a large painting in the style of {}", "{} style",
)  # fmt: skip


def templates(kind: Kind, known: frozenset[str] | None) -> Sequence[str]:
    """Return the sentences of a kind, each with ``{}``.

    Args:
        kind: ``plain`` ones of pictograms, or those of the paper for an ``object`` or a ``style``.
        known: Words that the model has learned; sentences with others are left out. All stay if ``None``.
    """
    sentences = {"plain": PLAIN, "object": OBJECT, "style": STYLE}[kind]
    if known is None:
        return sentences
    return [sentence for sentence in sentences if known.issuperset(words_of([sentence]))] or ["a {}"]
