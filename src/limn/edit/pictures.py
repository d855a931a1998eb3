"""What edits share: a picture as text in a record, and as the state of a model."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limn.io.pictures import decode, encode_png
from limn.kernel.edit import Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage
from limn.predictors.autoregressive import Autoregressive
from limn.predictors.masked import Masked

MAX_SIDE: Final = 4096


def packed(picture: Pixels) -> str:
    """Return a picture (height, width, 3) or mask (height, width) as the hexadecimal text of a PNG."""
    return encode_png(Image.fromarray(picture)).hex()


def unpacked(text: str, what: str) -> Pixels:
    """Undo :func:`packed`: (height, width, 3).

    Raises:
        InputError: The text is no PNG in hexadecimal digits.
    """
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise InputError(f"{what}: is not the hexadecimal text of a picture; give the edit a picture file") from None
    return np.asarray(decode(data, name=what, max_pixels=MAX_SIDE**2).convert("RGB"))


def draws_tokens(stage: Stage) -> bool:
    """Say whether a stage edits tokens, or else noise.

    Raises:
        InputError: It can do neither.
    """
    if isinstance(stage.predictor, Autoregressive):
        raise InputError(
            "edit: this model draws each token from those before it, blind to what comes after a region; "
            "use emoji, or a masked token model such as muse"
        )
    return isinstance(stage.predictor, Masked)


def image_of(stage: Stage, picture: Pixels, size: tuple[int, int]) -> Tensor:
    """Return a picture as a tensor (1, 3, height, width) in [-1, 1], where the stage's states are.

    Raises:
        InputError: The picture is of another size than the model's.
    """
    if picture.shape[:2] != size:
        actual, wanted = "x".join(map(str, picture.shape[1::-1])), "x".join(map(str, size[::-1]))
        raise InputError(f"edit: the picture has {actual} pixels, the model edits {wanted}; scale or crop it")
    return (torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1).to(stage.device)


def state_of(stage: Stage, picture: Pixels, size: tuple[int, int]) -> Tensor:
    """Return a picture's state (1, *state): tokens, latents or pixels.

    Raises:
        InputError: As :func:`draws_tokens` and :func:`image_of`.
    """
    draws_tokens(stage)
    with torch.no_grad():
        return stage.codec.encode(image_of(stage, picture, size))
