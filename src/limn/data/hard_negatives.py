"""A scene whose things changed places: what tells a reader of sentences from a reader of lists of words."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

import numpy as np

from limn.data.example import Example

_OTHER: Final = {
    "left": "right", "right": "left", "above": "below", "below": "above", "under": "above",
    "top": "bottom", "bottom": "top",
}  # fmt: skip
_WORD: Final = re.compile(rf"\b(?:{'|'.join(_OTHER)})\b")


def turned(caption: str) -> str:
    """Turn each word of place in a caption round.

    >>> turned("a cat to the left of a dog"), turned("a big cat under a dog")
    ('a cat to the right of a dog', 'a big cat above a dog')
    """
    return _WORD.sub(lambda word: _OTHER[word[0]], caption)


def exchanged(scene: Example) -> Example | None:
    """Let the two things of a scene change places.

    Args:
        scene: What :meth:`limn.data.scenes.Scenes.draw` made.

    Returns:
        The scene with both things intact, each where the other was, and captions that say so; None where there are
        more than two, or a name has a word of place in it.
    """
    things = scene.attributes["things"]
    if len(things) != 2 or any(_WORD.search(thing["label"]) for thing in things):
        return None
    axis, start = (1, "left") if scene.attributes["layout"] == "row" else (0, "top")
    picture = np.roll(scene.picture, -things[1][start], axis)
    return replace(scene, key=scene.key + "/exchanged", picture=picture, captions=tuple(map(turned, scene.captions)))
