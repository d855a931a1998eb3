"""The invisible mark: found where it was put, whatever the key was not, and never promised for less."""

from __future__ import annotations

import io

import numpy as np
import pytest
import scipy.stats
from PIL import Image

from limn.kernel.errors import InputError
from limn.provenance.mark import BYTES, LEVEL, SMALLEST, detect, embed, tail

KEY, MESSAGE = b"a key of the tests", b"\x01\x23\x45\x67"


def picture(side: int = 256, seed: int = 0) -> np.ndarray:
    """A soft picture with a white ground, as pictograms are."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize(
        (side, side), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(small).copy()
    pixels[: side // 4] = 255
    return pixels


MARKED = embed(picture(), MESSAGE, KEY)


def test_the_mark_cannot_be_seen_and_can_be_read() -> None:
    difference = np.abs(MARKED.astype(int) - picture().astype(int))
    assert difference.max() <= 12
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 40
    found = detect(MARKED, KEY)
    assert found.marked
    assert found.message == MESSAGE
    assert found.size == 1.0


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


@pytest.mark.parametrize("quality", [90, 70])
def test_it_outlives_jpeg(quality: int) -> None:
    assert detect(np.asarray(jpeg(Image.fromarray(MARKED), quality)), KEY).marked


def test_it_outlives_cutting_and_scaling() -> None:
    image = Image.fromarray(MARKED)
    assert detect(np.asarray(image.crop((31, 17, 241, 230))), KEY).marked
    found = detect(np.asarray(image.resize((192, 192), Image.Resampling.LANCZOS)), KEY)
    assert found.marked
    assert found.size == pytest.approx(0.75, rel=0.02)


def test_another_key_and_an_unmarked_picture_find_nothing() -> None:
    assert not detect(MARKED, b"another key").marked
    assert not detect(picture(), KEY).marked


def test_small_pictures_are_left_alone() -> None:
    pixels = picture(SMALLEST - 1)
    assert embed(pixels, MESSAGE, KEY) is pixels
    with pytest.raises(InputError, match="message"):
        embed(picture(), b"x" * (BYTES + 1), KEY)


def test_the_bound_is_the_binomial_tail() -> None:
    for agree in (150, 188, 250, 376):
        assert tail(agree, 376) == pytest.approx(scipy.stats.binom.sf(agree - 1, 376, 0.5), rel=1e-9)


def test_noise_is_marked_no_more_often_than_said() -> None:
    random = np.random.default_rng(1)
    noise = random.integers(0, 256, (40, 128, 128, 3), dtype=np.uint8)
    p_values = [detect(pixels, bytes([k])).p_value for k, pixels in enumerate(noise[:8])]
    assert min(p_values) > LEVEL
