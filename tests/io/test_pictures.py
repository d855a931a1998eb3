from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from limn.data.example import Example
from limn.io.pictures import (
    MAX_BYTES,
    colours,
    composite,
    cover,
    decode,
    encode_png,
    file_bytes,
    fit,
    greys,
    open_picture,
    read_picture,
)  # fmt: skip
from limn.kernel.errors import DataError, InputError


def packed(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, kind, **options)
    return sink.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_allowed_formats_are_decoded(kind: str) -> None:
    picture = decode(packed(Image.new("RGB", (8, 6), (10, 200, 30)), kind, quality=100))
    assert picture.mode == "RGB"
    assert picture.size == (8, 6)
    assert np.abs(np.asarray(picture, int) - [10, 200, 30]).max() <= 3


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "ICO", "PPM"])
def test_other_formats_are_refused(kind: str) -> None:
    with pytest.raises(DataError, match=r"photo\.png: not a readable PNG/JPEG/WEBP"):
        decode(packed(Image.new("RGB", (16, 16)), kind), name="photo.png")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_picture_or_a_clean_error(data: bytes) -> None:
    with pytest.raises(DataError):
        decode(data)


@given(st.integers(8, 400), st.integers(0, 255))
def test_a_changed_byte_gives_a_picture_or_a_clean_error(place: int, value: int) -> None:
    data = bytearray(packed(Image.effect_noise((16, 16), 50)))
    data[place % len(data)] = value
    with contextlib.suppress(DataError):
        assert decode(bytes(data)).mode in ("RGB", "RGBA")


def test_a_truncated_picture_is_refused() -> None:
    data = packed(Image.effect_noise((64, 64), 50))
    with pytest.raises(DataError):
        decode(data[: len(data) // 2])


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(DataError, match="at most"):
        decode(bomb(12_000, 12_000))


def test_pictures_come_out_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert decode(packed(Image.new("RGB", (30, 20)), "JPEG", exif=exif)).size == (20, 30)


@pytest.mark.parametrize(
    ("mode", "wanted"), [("P", "RGB"), ("L", "RGB"), ("LA", "RGBA"), ("I;16", "RGB"), ("1", "RGB")]
)
def test_odd_modes_are_converted(mode: str, wanted: str) -> None:
    assert decode(packed(Image.new(mode, (4, 4)))).mode == wanted


def test_a_palette_with_transparency_keeps_it() -> None:
    picture = Image.new("P", (4, 4))
    assert decode(packed(picture, transparency=0)).mode == "RGBA"


def test_cmyk_is_converted() -> None:
    assert decode(packed(Image.new("CMYK", (4, 4)), "JPEG")).mode == "RGB"


@given(arrays(np.uint8, (3, 5, 4)), st.tuples(*[st.integers(0, 255)] * 3))
def test_composite_is_the_blending_formula(picture: np.ndarray, background: tuple[int, int, int]) -> None:
    alpha = picture[..., 3:] / 255
    wanted = picture[..., :3] * alpha + np.array(background) * (1 - alpha)
    assert np.abs(composite(picture, background) - wanted).max() <= 0.5 + 1e-9


def test_composite_leaves_opaque_pictures_alone() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert composite(picture) is picture
    example = Example(key="a", picture=np.dstack([picture, np.full((4, 4), 255, np.uint8)]), captions=("a",))
    assert (example.on((1, 2, 3)) == picture).all()


def test_fit_centres_and_keeps_the_shape() -> None:
    seen = np.asarray(fit(Image.new("RGB", (40, 20), (9, 9, 9)), 20))[..., 3] > 0
    assert seen.any(1).sum() == 10
    assert seen[5:15].all()


def test_cover_crops_both_sides_alike() -> None:
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 200
    assert (np.asarray(cover(Image.fromarray(picture), 10)) == 200).all()


def test_png_is_lossless() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 9, 4), np.uint8)
    assert (np.asarray(decode(encode_png(Image.fromarray(picture)))) == picture).all()


def test_grey_of_16_bits_is_as_bright_as_it_was() -> None:
    values = np.linspace(0, 65535, 300).astype(np.uint16).reshape(15, 20)
    data = packed(Image.fromarray(values))
    assert np.abs(np.asarray(decode(data).convert("L")) - values / 257).max() <= 0.5
    assert (np.asarray(open_picture(data, name="mask")) == values).all()
    clear = decode(packed(Image.fromarray(values), transparency=int(values[0, 5])))
    assert clear.mode == "RGBA"
    assert ((np.asarray(clear)[..., 3] == 0) == (values == values[0, 5])).all()


def test_a_picture_that_limn_drew_is_read_back(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(encode_png(Image.fromarray(pixels)))
    assert (np.asarray(read_picture(tmp_path / "a.png")) == pixels).all()
    (tmp_path / "a.png").write_bytes(packed(Image.fromarray(pixels), "JPEG"))
    for name in ("a.png", "none.png"):
        with pytest.raises(DataError, match=name):
            read_picture(tmp_path / name)


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
    with pytest.raises(InputError, match=r"^picture: .*none\.png: no such file"):
        file_bytes(str(tmp_path / "none.png"), field="picture")
    with pytest.raises(InputError, match="picture:"):
        file_bytes("a\x00b", field="picture")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 67,108,864 bytes"):
        file_bytes(str(tmp_path / "huge.png"), field="picture")
    (tmp_path / "words.png").write_text("not a picture")
    with pytest.raises(DataError, match="mask: not a readable"):
        greys(file_bytes(str(tmp_path / "words.png"), field="mask"), 2, 2)
