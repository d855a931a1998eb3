"""An invisible mark: a keyed pattern of middle frequencies, tiled over the picture, that carries four bytes.

The pattern is a tile of 64 x 64 pixels. Of its Fourier coefficients between 4 and 16 cycles a tile (periods of 16 to
4 pixels, which survive JPEG and scaling) each has a phase of its own from the key; its real part carries a sign from
the key, by which the tile is found wherever a picture was cut, its imaginary part the bits of a Reed-Solomon code.
The tile is added to the brightness, more where the picture is lively (spread spectrum; Cox et al. 1997).

The detector folds a picture to one tile, and counts at every shift, and at sizes from half to twice, at how many
coefficients the sign is the key's. Of an unmarked picture, over keys, that count is exactly binomial with chance
1/2, whatever the picture; times the number of shifts and sizes looked at, the chance that a key agrees so well
anywhere is at most the p-value given (the union bound).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from limn.kernel.errors import InputError

TILE: Final = 64
SMALLEST: Final = 128
"""Pixels of the shorter side from which on pictures are marked."""

BYTES: Final = 4
PARITY: Final = 4
"""Bytes of the message, and of its Reed-Solomon code, which corrects two wrong ones."""

STRENGTH: Final = (1.6, 0.16, 4.0)
"""Root mean square of the mark in levels of 255: on flat ground, for each level that a picture varies, at most."""

LEVEL: Final = 1e-6
"""A p-value at or below this counts as marked: the stated rate of false positives."""

SIZES: Final = tuple(float(size) for size in np.geomspace(0.5, 2.0, 181))
"""By how much a picture may have been scaled, in steps of less than a per cent."""

WINDOW: Final = 320  # pixels of a side that are looked at; more would not fit at sizes between the steps
_LOW, _HIGH = 4.0, 16.0  # cycles a tile

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a detector found.

    Args:
        p_value: At most the chance that an unmarked picture agrees so well with a key.
        agree: Coefficients whose sign is the key's, at the best place.
        of: Coefficients looked at.
        size: By how much the picture seems to have been scaled.
        message: The four bytes; None where they cannot be read.
    """

    p_value: float
    agree: int
    of: int
    size: float
    message: bytes | None

    @property
    def marked(self) -> bool:
        """Whether the p-value is at or below :data:`LEVEL`."""
        return self.p_value <= LEVEL


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> tuple[Any, Any, Any, Any]:
    """Return rows and columns of the coefficients, their signs, their phases, and the order of their bits."""
    half = TILE // 2
    rows, columns = np.mgrid[-half:half, 0:half]
    radius = np.hypot(rows, columns)
    inside = (radius >= _LOW) & (radius <= _HIGH) & ((columns > 0) | (rows > 0))
    places = np.stack([rows[inside], columns[inside]])
    seed = int.from_bytes(hashlib.sha256(b"limn mark 1" + key).digest(), "big")
    random = np.random.Generator(np.random.PCG64(seed))
    count = places.shape[1]
    signs = random.integers(0, 2, count) * 2.0 - 1
    phases = np.exp(2j * np.pi * random.random(count))
    order = random.permutation(count)
    return places, signs, phases, order


@lru_cache(maxsize=32)
def _tile(key: bytes, message: bytes) -> NDArray[np.float32]:
    """Return the pattern (TILE, TILE) of mean 0 and root mean square 1."""
    places, signs, phases, order = _keyed(key)
    bits = np.unpackbits(np.frombuffer(_coded(message), np.uint8)) * 2.0 - 1
    carried = np.empty(len(signs))
    carried[order] = np.resize(bits, len(signs))
    spectrum = np.zeros((TILE, TILE), complex)
    spectrum[places[0], places[1]] = phases * (signs + 1j * carried)
    tile = np.fft.ifft2(spectrum).real
    pattern: NDArray[np.float32] = (tile / tile.std()).astype(np.float32)
    return pattern


def embed(pixels: Pixels, message: bytes, key: bytes) -> Pixels:
    """Return a picture with a mark; one with a side below :data:`SMALLEST` as it is.

    Args:
        pixels: (height, width, 3).
        message: Four bytes.
        key: Any bytes; the detector must have the same.

    Raises:
        InputError: If the message is of another length.
    """
    if len(message) != BYTES:
        raise InputError(f"mark: a message of {len(message)} bytes; give {BYTES}")
    height, width = pixels.shape[:2]
    if min(height, width) < SMALLEST:
        return pixels
    tile = _tile(key, message)
    pattern = np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]
    flat, lively, most = STRENGTH
    weight = np.minimum(flat + lively * _liveliness(pixels), most)
    marked = pixels + (pattern * weight)[..., None]
    result: Pixels = np.clip(np.rint(marked), 0, 255).astype(np.uint8)
    return result


def detect(pixels: Pixels, key: bytes, *, sizes: Sequence[float] = SIZES) -> Found:
    """Look for the mark of a key in a picture of any size.

    Half of the chance of an error is spent on the picture's own size, half on all others.

    Args:
        pixels: (height, width, 3).
        key: As in :func:`embed`.
        sizes: By how much the picture may have been scaled; none but its own is looked at where there are none.
    """
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)
    best = _looked(_folded(_fine(grey, 3.0)), key, 1.0, 2 * TILE**2)
    if best.p_value > LEVEL and sizes:
        others, fine = (
            2 * TILE**2 * len(sizes),
            {k: Image.fromarray(_fine(grey, 3 * 2 ** (k / 2))) for k in range(-2, 3)},
        )
        for size in sizes:
            scaled = _scaled(fine[round(2 * math.log2(size))], size)
            if scaled is not None:
                best = min(best, _looked(_folded(scaled), key, size, others), key=lambda found: found.p_value)
    return best


def _fine(grey: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Return what of the brightness is finer than a radius in pixels; where it is lively, that counts less."""
    image = Image.fromarray(grey.astype(np.uint8))
    fine = grey - np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32)
    spread = Image.fromarray(np.minimum(np.abs(fine) * 4, 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(4))
    weighed: NDArray[np.float32] = (fine / (2.0 + np.asarray(spread, np.float32) / 4)).astype(np.float32)
    return weighed


def _scaled(fine: Image.Image, size: float) -> NDArray[np.float32] | None:
    """Return the middle of a picture, brought back from a size; None where too little is left."""
    side = math.ceil(WINDOW * size)
    left, top = max(0, (fine.width - side) // 2), max(0, (fine.height - side) // 2)
    part = fine.crop((left, top, min(fine.width, left + side), min(fine.height, top + side)))
    width, height = round(part.width / size), round(part.height / size)
    if min(width, height) < TILE * 3 // 4:
        return None
    return np.asarray(part.resize((width, height), Image.Resampling.BICUBIC), np.float32)


def _folded(fine: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Return the spectrum of a picture folded to one tile."""
    height, width = fine.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[:height, :width] = fine
    spectrum: NDArray[np.complex128] = np.fft.fft2(padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2)))
    return spectrum


def _looked(spectrum: NDArray[np.complex128], key: bytes, size: float, looks: int) -> Found:
    """Count, at every shift, at how many coefficients the sign is the key's; return the best.

    A soft correlation by one Fourier transform picks the shifts that are counted exactly, which only leaves out
    looks: the bound holds.
    """
    places, signs, phases, order = _keyed(key)
    here = spectrum[places[0], places[1]] * phases.conj()
    whole = np.zeros((TILE, TILE), complex)
    whole[places[0], places[1]] = here / (np.abs(here) + 1e-9) * signs
    soft = np.fft.ifft2(whole).real
    best = Found(p_value=1.0, agree=0, of=len(signs), size=size, message=None)
    for place in np.argsort(soft, axis=None)[-3:]:
        row, column = np.unravel_index(place, soft.shape)
        turned = here * np.exp(2j * np.pi * (places[0] * row + places[1] * column) / TILE)
        agree = int((turned.real * signs > 0).sum())
        p_value = min(1.0, looks * tail(agree, len(signs)))
        if p_value < best.p_value:
            read = _read(turned.imag / (np.abs(turned) + 1e-9), order) if p_value <= LEVEL else None
            best = Found(p_value=p_value, agree=agree, of=len(signs), size=size, message=read)
    return best


@lru_cache(maxsize=4096)
def tail(agree: int, of: int) -> float:
    """Return the chance of so many heads, or more, in tosses of a fair coin.

    >>> tail(2, 2), tail(0, 5), tail(1, 2)
    (0.25, 1.0, 0.75)
    """
    return float(sum(math.comb(of, count) for count in range(agree, of + 1)) / 2**of)


def _coded(message: bytes) -> bytes:
    from reedsolo import RSCodec

    return bytes(RSCodec(PARITY).encode(message))


def _read(carried: NDArray[np.float64], order: NDArray[np.int64]) -> bytes | None:
    """Return the message that coefficients carry; None where more is wrong than the code corrects."""
    from reedsolo import ReedSolomonError, RSCodec

    votes = np.zeros((BYTES + PARITY) * 8)
    np.add.at(votes, np.arange(len(order)) % len(votes), carried[order])
    try:
        return bytes(RSCodec(PARITY).decode(np.packbits(votes > 0).tobytes())[0])
    except ReedSolomonError:
        return None


def _liveliness(pixels: Pixels) -> NDArray[np.float32]:
    """Return how much a picture's brightness varies around each pixel, in levels."""
    grey = Image.fromarray(pixels).convert("L")
    fine: Any = np.asarray(grey, np.float32) - np.asarray(grey.filter(ImageFilter.GaussianBlur(3)), np.float32)
    around = Image.fromarray(np.minimum(np.abs(fine), 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(3))
    return np.asarray(around, np.float32)
