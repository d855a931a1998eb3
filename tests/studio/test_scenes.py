from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from limn.data.scenes import THREE, TWO
from limn.kernel.errors import InputError
from limn.store import read_record, write_png
from limn.studio.scenes import compose, layout, write

NAMES = ("a cat", "an open book", "a woman cook with dark skin", "socks", "the sun")
PHRASES = [(kind, phrase) for ways in (TWO, THREE) for kind, phrases in ways.items() for phrase in phrases]


def disc(colour: tuple[int, int, int], side: int = 64, radius: int = 9) -> NDArray[np.uint8]:
    """A disc off the middle, on white."""
    y, x = np.mgrid[:side, :side]
    return np.where(((x - 40) ** 2 + (y - 20) ** 2 <= radius**2)[..., None], colour, 255).astype(np.uint8)


@given(st.sampled_from(PHRASES), st.permutations(NAMES))
def test_every_way_of_saying_a_scene_is_read_back(said: tuple[str, str], names: list[str]) -> None:
    kind, phrase = said
    found = layout(phrase.format(*names))
    count = len(found.things)
    assert [thing.words for thing in found.things] == names[:count]
    assert (found.kind, count) == (kind, 3 if "{2}" in phrase else 2)


@pytest.mark.parametrize(
    ("text", "kind", "words", "sizes"),
    [
        ("a cat and a dog", "row", ["a cat", "a dog"], ["medium", "medium"]),
        ("A cat on top of a  house.", "column", ["A cat", "a house"], ["medium", "medium"]),
        ("a big cat left of a dog", "row", ["a cat", "a dog"], ["big", "small"]),
        ("a tiny owl above a huge tree", "column", ["an owl", "a tree"], ["small", "big"]),
        ("a big cat beside a large dog", "row", ["a cat", "a dog"], ["medium", "medium"]),
        ("a cat, a dog and a bird", "row", ["a cat", "a dog", "a bird"], ["small"] * 3),
    ],
)
def test_a_person_may_say_it_otherwise(text: str, kind: str, words: list[str], sizes: list[str]) -> None:
    found = layout(text)
    assert (found.kind, [each.words for each in found.things]) == (kind, words)
    assert [each.size for each in found.things] == sizes


@pytest.mark.parametrize("text", ["a cat", "", "above", "a cat above"])
def test_words_without_two_things_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="above a red heart"):
        layout(text)


@pytest.mark.parametrize("text", ["a above b", "a left of b", "a big a above b", "a, b and c", "a and b above c"])
def test_things_are_where_the_words_say_and_apart(text: str) -> None:
    found = layout(text)
    colours = [(255, 0, 0), (0, 160, 0), (0, 0, 255)][: len(found.things)]
    scene = compose([disc(each) for each in colours], found)
    middles, sizes = [], []
    for colour in colours:
        seen = (np.abs(scene.astype(int) - colour) < 40).all(2)
        middles.append([float(np.mean(each)) for each in np.nonzero(seen)])
        sizes.append(int(seen.sum()))
    assert min(sizes) > 100
    axis = {"row": 1, "column": 0, "triangle": 1}[found.kind]
    order = [each[axis] for each in middles][:2]
    assert order == sorted(order)
    if found.kind == "triangle":
        assert middles[2][0] > max(middles[0][0], middles[1][0])
    if found.things[0].size == "big":
        assert sizes[0] > 2 * sizes[1]


def test_an_empty_part_leaves_its_place_white() -> None:
    scene = compose([np.full((64, 64, 3), 255, np.uint8), disc((0, 0, 0))], layout("a left of b"))
    assert (scene[:, :32] == 255).all()
    assert (scene[:, 32:] < 128).any()


def test_a_scene_is_written_beside_its_parts_once(tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("0000-a-cat-x4.png", "0001-a-dog-x4.png")]
    for path, colour in zip(parts, ((255, 0, 0), (0, 0, 255)), strict=True):
        write_png(path, disc(colour), {})
    found = layout("a cat above a dog")
    path = write(parts, found, "a cat above a dog", 3)
    assert path.name == "scene-0003-a-cat-above-a-dog-x4.png"
    record = read_record(path)["scene"]
    assert record["text"] == "a cat above a dog"
    assert [each["file"] for each in record["of"]] == [each.name for each in parts]
    before = path.stat().st_mtime_ns
    assert write(parts, found, "a cat above a dog", 3) == path
    assert path.stat().st_mtime_ns == before


def test_scenes_that_begin_alike_do_not_overwrite_each_other(tmp_path: Path) -> None:
    parts = [tmp_path / name for name in ("0000-a.png", "0001-b.png")]
    for path in parts:
        write_png(path, disc((0, 0, 0)), {})
    long = "a woman firefighter with medium dark skin and a hat"
    texts = [f"{long} on the left and a dog on the right", f"{long} at the top and a dog at the bottom"]
    one, two = (write(parts, layout(text), text, 0) for text in texts)
    assert one != two
    one.write_bytes(b"damaged")
    assert write(parts, layout(texts[0]), texts[0], 0) == one
    assert read_record(one)["scene"]["text"] == texts[0]
