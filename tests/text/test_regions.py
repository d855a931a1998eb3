"""Paintings and masks of any size and mode become shares of cells, or one line that says what is wrong."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limn.kernel.errors import InputError
from limn.kernel.prompt import Region
from limn.text.regions import cover, regions_from_painting


def png(pixels: Any, mode: str | None = None) -> bytes:
    picture, file = Image.fromarray(np.asarray(pixels)), io.BytesIO()
    (picture.convert(mode) if mode else picture).save(file, "PNG")
    return file.getvalue()


def half(height: int = 8, width: int = 12) -> np.ndarray[Any, Any]:
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, : width // 2] = 255
    return pixels


@given(
    left=st.floats(0, 0.4), top=st.floats(0, 0.4), right=st.floats(0.5, 1), bottom=st.floats(0.5, 1),
    rows=st.integers(1, 9), columns=st.integers(1, 9),
)  # fmt: skip
def test_a_box_covers_its_area(
    left: float, top: float, right: float, bottom: float, rows: int, columns: int
) -> None:
    share = cover(Region(words="x", box=(left, top, right, bottom)), rows, columns)
    assert share.shape == (rows, columns)
    assert share.min() >= 0
    assert share.max() <= 1
    assert share.mean() == pytest.approx((right - left) * (bottom - top), abs=1e-6)


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (4, 4), (1, 2), (5, 7), (16, 24), (64, 48)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "LA", "RGBA", "I;16"])
def test_a_mask_of_any_mode_is_scaled_to_any_grid(mode: str, rows: int, columns: int) -> None:
    mask = png(half().astype(np.uint16) * 257) if mode == "I;16" else png(half(), mode)
    share = cover(Region(words="x", mask=mask), rows, columns)
    assert share.shape == (rows, columns)
    box = cover(Region(words="x", box=(0, 0, 0.5, 1)), rows, columns)
    if columns % 2 == 0:
        np.testing.assert_allclose(share, box, atol=1e-6)
    assert share.mean() == pytest.approx(0.5, abs=0.08)


def test_what_is_transparent_is_outside() -> None:
    pixels = np.full((2, 2, 4), 255, np.uint8)
    pixels[0, 0, 3], pixels[0, 1, 3] = 0, 51
    np.testing.assert_allclose(cover(Region(words="x", mask=png(pixels)), 2, 2), [[0, 0.2], [1, 1]], atol=1e-6)


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (b"not a picture", "region 'sky': not a readable PNG"),
        (png(half())[:60], "region 'sky': not a readable PNG"),
        (png(np.zeros((3, 3), np.uint8)), "region 'sky': its mask covers nothing"),
        (png(np.zeros((4097, 4097), bool)), "region 'sky': 16785409 pixels, at most 16777216"),
    ],
)
def test_masks_that_cannot_be_used(mask: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        cover(Region(words="sky", mask=mask), 2, 2)
    assert "\n" not in str(caught.value)


def painting() -> np.ndarray[Any, Any]:
    """A red left, a blue corner and a white rest, 6 by 8."""
    pixels = np.full((6, 8, 3), 255, np.uint8)
    pixels[:, :3] = (255, 0, 0)
    pixels[3:, 4:] = (0, 5, 250)
    return pixels


def test_a_painting_becomes_regions() -> None:
    red, blue = regions_from_painting(png(painting()), {"#ff0000": "a red heart", "blue": "the sea"})
    assert (red.words, blue.words, red.weight) == ("a red heart", "the sea", 1.0)
    pixels = painting()
    np.testing.assert_array_equal(cover(red, 6, 8), (pixels[..., 1] == 0) & (pixels[..., 2] == 0))
    np.testing.assert_array_equal(cover(blue, 6, 8), pixels[..., 1] == 5)
    assert regions_from_painting(png(painting()), {"#f00": "a red heart", "#0000ff": "the sea"}) == (red, blue)


def test_a_large_painting_is_made_smaller_and_transparent_parts_belong_to_none() -> None:
    large = np.repeat(np.repeat(painting(), 200, 0), 200, 1)
    (red,) = regions_from_painting(png(large), {"red": "x"})
    np.testing.assert_allclose(cover(red, 6, 8)[:, [0, 1, 5]], [[1, 1, 0]] * 6, atol=0.02)
    assert Image.open(io.BytesIO(red.mask)).size == (512, 384)
    clear = np.dstack([painting(), np.full((6, 8), 100, np.uint8)])
    with pytest.raises(InputError, match="no pixel has the colour red; it is empty"):
        regions_from_painting(png(clear), {"red": "x"})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "no colour is named"),
        ({"#12": "x"}, "'#12' is not a colour; write it as #rrggbb"),
        ({"#f00": "x", "red": "y"}, "a colour is named twice"),
        ({"#00ff00": "x"}, "no pixel has the colour #00ff00; it has most of #ff0000, #ffffff, #0005fa"),
    ],
)
def test_paintings_that_cannot_be_used(words: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        regions_from_painting(png(painting()), words)


@given(st.binary(max_size=200))
def test_bytes_of_any_kind(data: bytes) -> None:
    with pytest.raises(InputError, match="painting: not a readable PNG"):
        regions_from_painting(data, {"red": "x"})
