"""Attributes that pictures are compared with, and ways to say them."""

from __future__ import annotations

from pathlib import Path

from limn.audit.reference.own import lines
from limn.kernel.errors import InputError

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


def own_pairs(path: Path) -> dict[str, tuple[str, str]]:
    """Return the attributes of a file of one's own, by name of the pair.

    Raises:
        InputError: If it cannot be used; the message names the line.
    """
    pairs: dict[str, tuple[str, str]] = {}
    for number, line in lines(path, ("pair", "first", "second")):
        if not all(line.values()) or line["pair"] in pairs or line["first"] == line["second"]:
            raise InputError(f"{path}, line {number}: needs a name of its own and two different attributes")
        pairs[line["pair"]] = line["first"], line["second"]
    return pairs


def phrases(attribute: str) -> list[str]:
    """Return an attribute in all templates."""
    return [template.format(attribute) for template in TEMPLATES]
