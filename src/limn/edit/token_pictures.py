"""What the edits of token models share: a picture's tokens, and which of them a mask touches."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from limn.io.pictures import decode, encode_png
from limn.kernel.edit import Pixels
from limn.kernel.errors import InputError
from limn.kernel.stage import Stage
from limn.predictors.autoregressive import Autoregressive
from limn.predictors.masked import Masked

MAX_SIDE: Final = 4096

_WHY = {
    True: "edit: this model draws each token from those before it, blind to what comes after a region; "
    "use a masked token model such as muse",
    False: "edit: this model draws no tokens and cannot edit; use a masked token model such as muse",
}


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


def tokens_of(stage: Stage, picture: Pixels, size: tuple[int, int]) -> Tensor:
    """Return the tokens of a picture, (1, tokens).

    Raises:
        InputError: The model is no masked token model, or the picture is of another size.
    """
    if not isinstance(stage.predictor, Masked):
        raise InputError(_WHY[isinstance(stage.predictor, Autoregressive)])
    if picture.shape[:2] != size:
        actual, wanted = "x".join(map(str, picture.shape[1::-1])), "x".join(map(str, size[::-1]))
        raise InputError(f"edit: the picture has {actual} pixels, the model edits {wanted}; scale or crop it")
    image = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        return stage.codec.encode(image.to(stage.device))


def touched(inside: Tensor, factor: int) -> Tensor:
    """Return which tokens a mask touches, (1, tokens).

    Args:
        inside: Which pixels are inside (height, width).
        factor: Pixels along one side of a token.
    """
    return F.max_pool2d(inside[None, None].float(), factor).flatten(1) > 0
