"""What the parts share: the model, what cameras see of codes, and results that are kept."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.kit.drawing import Pixels, generator_of
from benchmarks.kit.results import OUT, kept
from limn.codecs.scenes import Scenes
from limn.kernel.generator import Generator
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane
from limn.studio.objects import codes

MODEL, TOYS = "toys3d", Path("data/toys3d")


def triplane_of(generator: Generator | str) -> Triplane:
    """Return the decoder of a model of objects."""
    codec = (generator_of(generator) if isinstance(generator, str) else generator).stages[-1].codec
    assert isinstance(codec, Scenes), "a model of objects is wanted"
    return codec.triplane


def drawn(model: Generator | str, prompts: Sequence[str], seed: int = 0, guide: str = "") -> Tensor:
    """Return the codes that prompts are drawn as, one for each; ``guide`` is a guidance besides the model's own."""
    generator = generator_of(model) if isinstance(model, str) else model
    request = generator.request(list(prompts), seed=seed, guide=[guide] if guide else [])
    found = codes(generator, request, range(len(prompts)), batch=64, max_rows=None)
    return torch.stack([found[place] for place in range(len(prompts))])


@torch.inference_mode()
def seen(triplane: Triplane, states: Tensor, camera: Camera) -> tuple[Pixels, NDArray[Any], NDArray[Any]]:
    """Return what a camera sees of objects: pictures, opacities and distances."""
    view = triplane.view(triplane.planes(triplane.raw(states)), camera, triplane.config.size)
    pictures = (view.colour.clamp(0, 1) * 255).round().byte().numpy()
    return pictures, view.opacity.numpy(), view.depth.numpy()


def remembered(part: str, name: str, measure: Callable[[], Any]) -> Any:
    """Measure, or return what an earlier run of this part kept under the name."""
    folder = Path(os.environ.get(OUT, "runs")) / "scene3d" / part
    return kept(folder / f"{name}.json", measure)


def psnr(one: Pixels, other: Pixels) -> float:
    """Return the ratio of peak to error in dB."""
    error = np.square(one.astype(float) - other).mean() / 255**2
    return float(-10 * np.log10(max(error, 1e-9)))
