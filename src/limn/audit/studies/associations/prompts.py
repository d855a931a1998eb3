"""Attributes that pictures are compared with, and ways to say them."""

from __future__ import annotations

TEMPLATES = (
    "a person {}", "a picture of a person {}", "an icon of a person {}", "somebody {}", "a worker {}",
    "a drawing of somebody {}",
)  # fmt: skip
"""Ways to say it; no figure rests on one of them."""

WORK = "at work/at home"
PAIRS = {
    "calm/angry": ("who is calm", "who is angry"),
    "happy/sad": ("who is happy", "who is sad"),
    "tool/book": ("with a tool", "with a book"),
    "machine/plant": ("with a machine", "with a plant"),
    WORK: ("at work", "at home"),
    "outdoors/indoors": ("outdoors", "indoors"),
}
"""Harmless attributes, two and two."""

CAPTIONS = ("a {}", "an icon of a {}")
"""Captions that name a profession."""


def phrases(attribute: str) -> list[str]:
    """Return an attribute in all templates."""
    return [template.format(attribute) for template in TEMPLATES]
