"""Which pictures are held out: a rule on their names, never a draw.

``pair``: one drawing style of a concept is left out, so a model must compose a concept it saw in other
styles with a style it saw on other concepts. ``cell``: one combination of profession, gender and skin
tone is left out in every style, so a model must compose people it never saw. See
``docs/decisions/0002-data-splits.md``.
"""

from __future__ import annotations

import hashlib
from typing import Final

STYLES: Final = ("3d", "noto", "twemoji", "flat")
"""Sets that are built and read unless others are named: the shipped models learned from them."""
MORE: Final = ("blob", "emojione", "fx", "outlined", "openmoji")
KNOWN: Final = STYLES + MORE
SPLITS: Final = ("train", "pair", "cell")

_EVERYWHERE: Final = 15.0  # Unicode emoji version up to which a second set (Twemoji 15) has every concept


def unit(text: str) -> float:
    """Map a text to a number in [0, 1) that never changes.

    >>> unit("a") == unit("a") < 1
    True
    """
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def half_of(key: str) -> str:
    """Say which of two independent judges learns from a picture, ``a`` or ``b``; each style is in both halves.

    >>> [half_of(key) for key in ("3d/1f600", "noto/1f600", "flat/1f600")]
    ['b', 'b', 'b']
    """
    return "a" if unit("half:" + key) < 0.5 else "b"


def unseen(label: str, share: float) -> bool:
    """Say whether a concept, by its name without skin tone, is of a share that is left out in every style."""
    return unit("unseen:" + label) < share


def split_of(concept: str, style: str, *, version: float = 1.0, cell: tuple[str, str, str] | None = None) -> str:
    """Say where a picture belongs.

    The hash of the concept falls into one of ten slots; the first nine each hold out one style. So a
    tenth of all (concept, style) pairs is held out, and of no concept more than one style.

    Args:
        concept: Code point of the concept without its skin tone.
        style: One of :data:`KNOWN`.
        version: Unicode emoji version that brought the concept; newer than 15, only Noto draws all of
            them, so they stay in its training part.
        cell: Profession, gender and skin tone, for people at work.

    Returns:
        ``train``, ``pair`` or ``cell``.
    """
    if cell is not None and unit("cell:" + "|".join(cell)) < 0.1:
        return "cell"
    slot = int(unit("pair:" + concept) * 10)
    held = slot < len(KNOWN) and KNOWN[slot] == style
    return "pair" if held and (style != "noto" or version <= _EVERYWHERE) else "train"
