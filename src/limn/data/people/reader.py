"""Read a person icon back into words, and say how sure the reading is.

There are 1,296 icons, so reading tries them all, each from crisp to a little blurred, and takes the nearest
in squared error. The margins are those of limn.data.template_matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limn.data.people.captions import Asked
from limn.data.people.icon import FIELDS, PICTURE, table
from limn.data.people.population import Person
from limn.data.template_matching import (
    MAX_RESIDUAL,
    MIN_MARGIN,
    UNREADABLE,
    Templates,
    as_unit_range,
    quarters,
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A person as read: a word or "unreadable" for each field.

    Args:
        profession: As the badge says.
        gender: As the hair is drawn.
        tone: Colour of the skin.
        motif: Pattern of the border.
        style: Way of drawing.
        margins: For each field: 1 is the drawn icon itself, 0 half-way to one with another value.
        residual: Root mean square error of the worst quarter of the picture, in the range 0 to 1.
    """

    profession: str
    gender: str
    tone: str
    motif: str
    style: str
    margins: Mapping[str, float]
    residual: float

    @property
    def margin(self) -> float:
        """The smallest margin of all fields."""
        return min(self.margins.values())

    @property
    def person(self) -> Person | None:
        """The person, where every field could be read."""
        words = {name: getattr(self, name) for name in FIELDS}
        return None if UNREADABLE in words.values() else Person(**words)


@cache
def _templates() -> Templates:
    """Every icon."""
    labels = np.indices([len(values) for values in FIELDS.values()]).reshape(len(FIELDS), -1).T
    return Templates.of(table().reshape(-1, PICTURE, PICTURE, 3), labels)


def read_all(pictures: NDArray[np.generic]) -> list[Reading]:
    """Read many pictures.

    Args:
        pictures: uint8, or float from 0 to 1, of shape (n, 32, 32, 3).

    Returns:
        One reading a picture.

    Raises:
        InputError: The pictures have another shape or type, or values that are not finite.
    """
    x = as_unit_range(pictures, PICTURE)
    templates = _templates()
    readings = []
    for part in (x[start : start + 64] for start in range(0, len(x), 64)):
        errors, blur = templates.fit(part)
        best = errors.argmin(axis=1)
        margins = templates.margins(errors, blur, best)
        drawn = templates.at(best, blur[np.arange(len(part)), best])
        residuals = quarters(part - drawn.reshape(part.shape)).max(axis=1)
        for label, sure, residual in zip(templates.labels[best], margins.tolist(), residuals.tolist(), strict=True):
            readings.append(_put(label.tolist(), dict(zip(FIELDS, sure, strict=True)), residual))
    return readings


def _put(label: list[int], margins: dict[str, float], residual: float) -> Reading:
    """Put one reading into words."""
    words = {
        name: values[k] if residual <= MAX_RESIDUAL and margins[name] >= MIN_MARGIN else UNREADABLE
        for k, (name, values) in zip(label, FIELDS.items(), strict=True)
    }
    return Reading(**words, margins=margins, residual=residual)


def read(picture: NDArray[np.generic]) -> Reading:
    """Read one picture of shape (32, 32, 3); see read_all."""
    return read_all(np.asarray(picture)[None])[0]


def matches(reading: Reading, asked: Asked | Person) -> dict[str, bool]:
    """Say which attributes of a picture are as asked for.

    Args:
        reading: What the picture shows.
        asked: What the prompt names; what it does not name counts as right.

    Returns:
        One entry for each of FIELDS, and "all" for all of them together. What cannot be read is wrong where named.
    """
    wants = asked.fields if isinstance(asked, Asked) else {name: getattr(asked, name) for name in FIELDS}
    right = {name: name not in wants or getattr(reading, name) == wants[name] for name in FIELDS}
    return {**right, "all": all(right.values())}
