from __future__ import annotations

import re

import numpy as np
import pytest

from limn.data.colours import NAMES, colours_of, oklab
from limn.data.picture_set import PictureSet


def field(*colours: str) -> np.ndarray:
    """Stripes of equal width, each of a hexadecimal RGBA colour."""
    return np.repeat(np.array([[list(bytes.fromhex(colour)) for colour in colours]], np.uint8), 8, axis=0)


def test_oklab_equals_the_published_values() -> None:
    """Source: the table of XYZ and Oklab pairs and the sRGB primaries in Ottosson's article."""
    rgb = np.array([[255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]], np.uint8)
    wanted = [[1, 0, 0], [0.628, 0.225, 0.126], [0.866, -0.234, 0.179], [0.452, -0.032, -0.312], [0, 0, 0]]
    assert np.allclose(oklab(rgb), wanted, atol=1e-3)


@pytest.mark.parametrize(
    ("code", "name"),
    [("ff0000", "red"), ("ffffff", "white"), ("000000", "black"), ("0000ff", "blue"), ("ffff00", "yellow"),
     ("00a000", "green"), ("ff8800", "orange"), ("8020c0", "purple"), ("808080", "grey"), ("ff69b4", "pink"),
     ("8b4513", "brown"), ("008080", "teal"), ("000080", "dark blue"), ("add8e6", "light blue")],
)  # fmt: skip
def test_plain_colours_have_their_name(code: str, name: str) -> None:
    assert colours_of(field(code + "ff")) == (name,)


def test_the_largest_area_comes_first_and_small_ones_are_not_named() -> None:
    picture = field(*["ff0000ff"] * 12, *["0000ffff"] * 7, "00a000ff")
    assert colours_of(picture) == ("red", "blue")


def test_transparent_pixels_do_not_count() -> None:
    assert colours_of(field("ff000000", "ff000000", "0000ffff")) == ("blue",)
    assert colours_of(field("ff000000")) == ()


def test_shades_of_one_hue_are_one_colour() -> None:
    assert colours_of(field(*["f01c1cff"] * 6, *["8a1420ff"] * 3)) == ("red",)


def test_colours_agree_with_labels_that_name_one(sample: PictureSet) -> None:
    hits = []
    for label, colours in zip(sample.columns["label"], sample.columns["colours"], strict=True):
        told = re.match(r"(red|blue|green|black) (?:heart|apple|square|circle)", label)
        if told:
            hits.append(told[1] in colours)
    assert len(hits) >= 20
    assert np.mean(hits) >= 0.95


def test_every_name_is_english_in_two_words() -> None:
    assert all(re.fullmatch(r"((light|dark) )?[a-z]+", name) for name in NAMES)
