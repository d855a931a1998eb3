"""The reader answers exactly for every icon, stands noise and blur, and says when it cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from limn.data import people
from limn.data.people import FIELDS, Person, Population, matches, prompts, read, read_all
from limn.data.template_matching import UNREADABLE
from limn.kernel.errors import InputError


def damaged(seed: int, noise: float, count: int = 100) -> tuple[NDArray[np.float64], list[Person]]:
    rng = np.random.default_rng(seed)
    pictures, truth = people.batch(rng, count, population=Population())
    return pictures / 255 + rng.normal(0, noise, pictures.shape), truth


def test_every_icon_is_read_exactly() -> None:
    everybody = Population().census(1296)
    assert len(set(everybody)) == 1296
    readings = read_all(np.stack([people.render(person) for person in everybody]))
    assert [reading.person for reading in readings] == everybody
    assert min(reading.margin for reading in readings) > 0.99


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_noise_does_not_mislead(noise: float) -> None:
    pictures, truth = damaged(0, noise)
    assert [reading.person for reading in read_all(pictures)] == truth


def test_blur_does_not_mislead() -> None:
    pictures, truth = damaged(1, 0.0)
    for axis in (1, 2):
        wide = np.pad(pictures, [(1, 1) if k == axis else (0, 0) for k in range(4)], mode="edge")
        near = [wide.take(range(k, k + 32), axis=axis) for k in range(3)]
        pictures = near[0] * 0.2 + near[1] * 0.6 + near[2] * 0.2
    assert [reading.person for reading in read_all(pictures)] == truth


def test_margin_falls_with_noise_on_average() -> None:
    margins = [np.mean([r.margin for r in read_all(damaged(2, noise)[0])]) for noise in (0, 0.05, 0.1, 0.2)]
    assert margins == sorted(margins, reverse=True)
    assert margins[0] - margins[-1] > 0.1


def test_noise_and_blank_pictures_are_unreadable() -> None:
    rng = np.random.default_rng(0)
    blank = np.broadcast_to(np.array([0, 0.25, 0.5, 0.75, 0.95, 1])[:, None, None, None], (6, 32, 32, 3))
    for reading in read_all(np.concatenate([rng.random((20, 32, 32, 3)), blank])):
        assert reading.person is None
        assert all(getattr(reading, field) == UNREADABLE for field in FIELDS)


def test_half_way_between_two_tones_is_unreadable_in_the_tone_only() -> None:
    person = Population().sample(np.random.default_rng(3), 1)[0]
    light, dark = (
        people.render(Person(**{**{f: getattr(person, f) for f in FIELDS}, "tone": tone})) / 255
        for tone in ("medium-light", "medium")
    )
    reading = read((light + dark) / 2)
    assert reading.tone == UNREADABLE
    assert reading.margins["tone"] == pytest.approx(0, abs=0.05)
    assert [getattr(reading, f) for f in FIELDS if f != "tone"] == [
        getattr(person, f) for f in FIELDS if f != "tone"
    ]


def test_matches_judges_only_what_is_named() -> None:
    asked = prompts("gender")[0]
    person = Person(profession="doctor", gender="woman", tone="dark", motif="leaf", style="flat")
    reading = read(people.render(person))
    assert all(matches(reading, asked).values())
    assert all(matches(reading, person).values())
    verdict = matches(reading, prompts("gender")[1])
    assert [name for name, right in verdict.items() if not right] == ["gender", "all"]


def test_bad_pictures() -> None:
    with pytest.raises(InputError, match="resize"):
        read(np.zeros((64, 64, 3)))
