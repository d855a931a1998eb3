"""The exact readers read what their worlds draw, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from limn.audit.readers.people import People
from limn.audit.readers.reader import Reader
from limn.audit.readers.shapes import Shapes
from limn.data import people, shapes
from limn.data.shapes import Object, Scene
from limn.kernel.errors import InputError


def test_people_are_read_as_their_own_reader_reads_them() -> None:
    rng = np.random.default_rng(0)
    pictures, drawn = people.batch(rng, 40)
    soft = np.clip(pictures + rng.normal(0, 6, pictures.shape), 0, 255).astype(np.uint8)
    reader = People()
    for said, person in zip(reader.read(list(pictures)), drawn, strict=True):
        assert said.values == {field: getattr(person, field) for field in people.FIELDS}
        assert set(said.confidence.values()) == {1.0}
    for said, wanted in zip(reader.read(list(soft)), people.read_all(soft), strict=True):
        for field in people.FIELDS:
            assert said.values[field] in (getattr(wanted, field), None)
            assert (said.values[field] is None) == (getattr(wanted, field) == "unreadable")
            assert 0 <= said.confidence[field] <= 1


def test_exact_icons_need_no_search_and_read_the_same() -> None:
    icons = people.icon.table().reshape(-1, 32, 32, 3)[::97]
    for said, wanted in zip(People().read(list(icons)), people.read_all(icons), strict=True):
        assert said.values == {field: getattr(wanted, field) for field in people.FIELDS}


def test_noise_and_other_sizes_cannot_be_read() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    for reader in (People(), Shapes()):
        assert isinstance(reader, Reader)
        for picture in (noise, np.zeros((64, 64, 3), np.uint8)):
            (said,) = reader.read([picture])
            assert set(said.values) == set(reader.fields)
            assert set(said.values.values()) == {None}
        assert reader.read([]) == []


def lone(colour: str, shape: str, place: str = "centre") -> Object:
    return Object(shape=shape, colour=colour, size="large", texture="solid", place=place)


def test_shapes_are_counted_and_looked_for() -> None:
    cross = lone("purple", "cross", "bottom right")
    scenes = [
        Scene(background="white", objects=(lone("red", "triangle"),)),
        Scene(background="navy", objects=(lone("red", "triangle", "top left"), cross)),
    ]
    reader = Shapes(find=("purple cross", "triangle", "red cross"))
    one, two = reader.read([shapes.render(each) for each in scenes])
    assert one.values["count"] == "1"
    assert [one.values[each] for each in reader.find] == ["no", "yes", "no"]
    assert [one.values[each] for each in ("background", "shape", "colour", "place")] == [
        "white",
        "triangle",
        "red",
        "centre",
    ]
    assert two.values["count"] == "2"
    assert [two.values[each] for each in reader.find] == ["yes", "yes", "no"]
    assert two.values["shape"] is None
    for said in (one, two):
        for field, value in said.values.items():
            assert value is None or value in reader.fields[field]


@pytest.mark.parametrize("thing", ["elephant", "big red star", "mauve star", "red"])
def test_only_what_can_be_drawn_is_looked_for(thing: str) -> None:
    with pytest.raises(InputError, match="find"):
        Shapes(find=(thing,))
