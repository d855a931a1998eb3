"""What every codec must satisfy."""

from __future__ import annotations

import torch

from limn.kernel.codec import HIDDEN, Codec


def check_codec(codec: Codec, *, size: tuple[int, int] = (64, 64), error: float = 2.0) -> None:
    """Check that a codec carries pictures into states and back, each by itself.

    Args:
        codec: With the network it is to be used with.
        size: Height and width of the pictures in pixels, rounded up to what the codec takes.
        error: How far decoded pictures may be from what was encoded, root mean square; pictures are in [-1, 1], so
            the default asks for nothing of an untrained network.

    Raises:
        AssertionError: Shapes are not what it says, a picture depends on its neighbours, what it is given is
            changed, or pictures do not come back.
    """
    name, multiple = type(codec).__name__, codec.multiple
    assert multiple >= 1, f"{name}: sides must be multiples of {multiple}; say at least 1"
    height, width = (-(-side // multiple) * multiple for side in size)
    image = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    kept = image.clone()
    with torch.no_grad():
        state = codec.encode(image)
        whole, again = codec.decode(state), codec.decode(codec.encode(image[1:2]))
    assert torch.equal(image, kept), f"{name}: changes the pictures that it encodes"
    shape = (3, *codec.shape(height, width))
    assert tuple(state.shape) == shape, f"{name}: says that states are {shape}, gives {tuple(state.shape)}"
    sound = torch.isfinite(state).all() if state.is_floating_point() else (state > HIDDEN).all()
    assert sound, f"{name}: states are not finite, or hold tokens that are not decided"
    assert whole.shape == image.shape, f"{name}: decodes {tuple(image.shape)} to {tuple(whole.shape)}"
    assert torch.isfinite(whole).all(), f"{name}: decodes to what is not finite"
    assert torch.allclose(whole[1:2], again, atol=1e-4), f"{name}: a picture depends on the others of its batch"
    apart = float((whole - image).square().mean().sqrt())
    assert apart <= error, f"{name}: pictures come back {apart:.3f} away, at most {error} is allowed"
