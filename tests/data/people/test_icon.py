"""Icons: every attribute changes the picture, and only its own part of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limn.data import people
from limn.data.people import FIELDS, Person
from limn.kernel.errors import InputError

ONE = Person(profession="doctor", gender="woman", tone="medium", motif="wave", style="flat")


@pytest.mark.parametrize("field", list(FIELDS))
def test_every_value_changes_the_picture(field: str) -> None:
    drawn = [people.render(replace(ONE, **{field: value})) for value in FIELDS[field]]
    flat = np.stack(drawn).reshape(len(drawn), -1) / 255
    apart = np.sqrt(((flat[:, None] - flat) ** 2).sum(-1)) + 9 * np.eye(len(flat))
    # A length of 1 is ten times the noise that moves a reading half-way at a standard deviation of 0.05.
    assert apart.min() > 1


def test_badge_and_border_stay_in_their_places() -> None:
    base = people.render(ONE)
    for value in FIELDS["profession"]:
        changed = (people.render(replace(ONE, profession=value)) != base).any(axis=-1)
        assert not changed[:, :20].any()
        assert not changed[:16].any()
    for value in FIELDS["motif"]:
        changed = (people.render(replace(ONE, motif=value)) != base).any(axis=-1)
        assert not changed[4:28].any()


def test_skin_has_the_colour_of_its_tone() -> None:
    for tone, colour in people.TONES.items():
        chin = people.render(replace(ONE, tone=tone))[16, 16]
        assert np.abs(chin - np.array(colour) * 255).max() <= 1


def test_unknown_values() -> None:
    with pytest.raises(InputError, match="did you mean 'medium'"):
        replace(ONE, tone="mediun")


def test_pictures_are_copies() -> None:
    people.render(ONE)[:] = 0
    assert people.render(ONE).any()
