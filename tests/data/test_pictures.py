from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.data.pictures import MAX_BYTES, colours, file_bytes, greys
from limn.kernel.errors import DataError, InputError


def png(pixels: object) -> bytes:
    data = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(data, "PNG")
    return data.getvalue()


def test_colours_are_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3))
    found = colours(png(pixels), 4, 6)
    assert found.dtype == np.float32
    assert np.allclose((found.transpose(1, 2, 0) + 1) * 127.5, pixels, atol=1e-4)


def test_other_sizes_are_filled_and_cropped_on_both_sides_alike() -> None:
    pixels = np.zeros((4, 8, 3))
    pixels[:, 2:6] = 255
    assert (colours(png(pixels), 4, 4) == 1).all()
    assert colours(png(pixels), 2, 4).shape == (3, 2, 4)


def test_what_is_transparent_is_white_in_a_picture_and_black_in_a_mask() -> None:
    clear = np.zeros((2, 2, 4))
    assert (colours(png(clear), 2, 2) == 1).all()
    assert (greys(png(clear), 2, 2) == 0).all()


def test_a_mask_is_averaged_down() -> None:
    mask = np.zeros((4, 4))
    mask[:, :1] = 255
    assert greys(png(mask), 2, 2).tolist() == [[pytest.approx(0.5, abs=0.01), 0.0]] * 2


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^picture: '.*none\.png' is no file; give the path"):
        file_bytes(str(tmp_path / "none.png"), field="picture")
    with pytest.raises(InputError, match="picture:"):
        file_bytes("a\x00b", field="picture")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 64 MiB"):
        file_bytes(str(tmp_path / "huge.png"), field="picture")
    (tmp_path / "words.png").write_text("not a picture")
    with pytest.raises(DataError, match="mask: not a readable"):
        greys(file_bytes(str(tmp_path / "words.png"), field="mask"), 2, 2)
