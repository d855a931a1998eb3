"""Will it fit? Bytes of weights by the headers of their files, and an estimate of what drawing takes besides."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from limn.kernel.errors import InputError, ModelWarning

PICTURE: Final = 3.5e3
"""Bytes that decoding takes for each pixel of a picture in float32: an estimate, of some three layers of 256
channels that are alive together. Only the warning leans on it; what is refused is by the weights alone."""

_INFO: Final = Path("/proc/meminfo")


def free() -> int | None:
    """Return the bytes of memory that are free; None where the system does not say."""
    try:
        lines = _INFO.read_text("utf-8").splitlines()
    except OSError:
        return None
    numbers = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return numbers[0] if numbers else None


def tight(device: str, size: tuple[int, int], width: int) -> bool:
    """Say whether drawing a picture of a size takes more memory than is free where a model runs; an estimate."""
    import torch

    here = torch.cuda.mem_get_info(device)[0] if torch.device(device).type == "cuda" else free()
    return here is not None and here < drawing(size, width)


def weights(files: Iterable[Path], width: int) -> int:
    """Return the bytes that weights take in memory, unpacked, by the headers of their files alone.

    Args:
        files: Safetensors files.
        width: Bytes of a floating-point number as loaded.

    Raises:
        WeightsError: A file is damaged or unsafe.
    """
    import math

    from limn.networks import bitsandbytes

    parts: dict[Path, list[Path]] = {}
    for path in files:
        parts.setdefault(path.parent, []).append(path)
    return sum(
        math.prod(shape) * (width if dtype.is_floating_point else dtype.itemsize)
        for shards in parts.values()
        for header in bitsandbytes.outlines(shards)
        for dtype, shape in header.values()
    )


def drawing(size: tuple[int, int], width: int) -> int:
    """Return the bytes that drawing a picture of a size takes at most besides the weights; an estimate."""
    return round(size[0] * size[1] * PICTURE * width / 4)


def said(count: float) -> str:
    """Write bytes as people say them.

    >>> said(6_938_000_000)
    '6.9 GB'
    """
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def check(name: str, files: Iterable[Path], width: int, size: tuple[int, int]) -> None:
    """Refuse a model whose weights alone do not fit, and say so where drawing with it may not.

    Raises:
        InputError: There is less memory than its weights take.
    """
    here, own = free(), weights(files, width)
    if here is None:
        return
    remedy = "close other programs, or take :dtype=bfloat16" if width == 4 else "close other programs"
    if own > here:
        raise InputError(f"{name}: its weights take {said(own)}, {said(here)} are free; {remedy}")
    if own + drawing(size, width) > here:
        needed = said(own + drawing(size, width))
        warnings.warn(f"{name}: takes about {needed}, {said(here)} are free; {remedy}", ModelWarning, stacklevel=2)
