"""The exact reader of person icons (:mod:`limn.data.people`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from limn.audit.readers.reader import Pictures, Reader, Reading
from limn.data.template_matching import MIN_MARGIN, UNREADABLE


@dataclass(frozen=True, kw_only=True)
class People(Reader):
    """Reads profession, gender, tone, motif and style of person icons of 32 px, by trying all that can be drawn."""

    version = "1"
    threshold = MIN_MARGIN

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """The five fields of a person."""
        from limn.data.people.icon import FIELDS

        return FIELDS

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures; those of another size than 32 px cannot be read."""
        from limn.data.people.icon import PICTURE

        nothing = self.nothing()
        readings = [_exact().get(picture.tobytes(), nothing) for picture in pictures]
        fits = [k for k, row in enumerate(readings) if row is nothing and pictures[k].shape == (PICTURE, PICTURE, 3)]
        if fits:
            from limn.data.people.reader import read_all

            for k, person in zip(fits, read_all(np.stack([pictures[k] for k in fits])), strict=True):
                words = {field: getattr(person, field) for field in self.fields}
                readings[k] = Reading(
                    values={field: None if word == UNREADABLE else word for field, word in words.items()},
                    confidence={field: min(max(margin, 0.0), 1.0) for field, margin in person.margins.items()},
                )
        return readings


@cache
def _exact() -> dict[bytes, Reading]:
    """Every icon as it is drawn, which needs no search."""
    from limn.data.people.icon import FIELDS, PICTURE, table

    icons = table()
    shape = icons.shape[: len(FIELDS)]
    sure = dict.fromkeys(FIELDS, 1.0)
    return {
        icon.tobytes(): Reading(
            values={name: words[k] for k, (name, words) in zip(place, FIELDS.items(), strict=True)}, confidence=sure
        )
        for icon, place in zip(icons.reshape(-1, PICTURE, PICTURE, 3), np.ndindex(shape), strict=True)
    }
