"""Another look for all objects of a tri-plane: its decoder learns from pictures, the objects' codes stay."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane, signed
from limn.scene3d.volume import roughness

_SIDE = 32  # of whole views that a loss of directions sees


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How a decoder learns.

    Args:
        steps: Steps of Adam.
        lr: Learning rate, which falls to zero along half a cosine.
        batch: Objects in a step.
        rays: Rays through each.
        smooth: Weight of how much the density changes over a short way: density regularisation.
        way: Standard deviation of that way; the cube's side is 2.

    Raises:
        InputError: A value is out of bounds.
    """

    steps: int = 600
    lr: float = 1e-3
    batch: int = 8
    rays: int = 256
    smooth: float = 0.05
    way: float = 0.03

    def __post_init__(self) -> None:
        bounds = {"steps": (1, 10**6), "lr": (0, 1), "batch": (1, 1024), "rays": (1, 65536)}
        for name, (low, high) in (bounds | {"smooth": (0, 100), "way": (0, 1)}).items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} must be from {low} to {high}, not {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Views:
    """Pictures of objects, as they are to look.

    Args:
        codes: Of the objects, of unit variance (objects, channels, grid, grid).
        pictures: On white (pictures, side, side, 3).
        objects: Which object each shows.
        cameras: From where each sees it.
    """

    codes: Tensor
    pictures: NDArray[np.uint8]
    objects: Sequence[int]
    cameras: Sequence[Camera]


Loss = Callable[[Triplane, torch.Generator], tuple[Tensor, Tensor]]
"""What a step minimises, of the decoder and a source of randomness, and the planes that it looked at."""


def adapted(source: Triplane, loss: Loss, tuning: Tuning, seed: int = 0) -> Iterator[tuple[int, float, Triplane]]:
    """Change a copy of a decoder step by step.

    Args:
        source: The decoder, which stays as it is.
        loss: What is minimised besides roughness; see :func:`towards` and :func:`along`.
        tuning: How.
        seed: Decides everything that is drawn.

    Yields:
        Steps done, the step's loss and the copy, which goes on changing.
    """
    network = copy.deepcopy(source).requires_grad_(True)
    weights = [weight for name, weight in network.named_parameters() if name != "codes"]
    optimiser = torch.optim.Adam(weights, lr=tuning.lr)
    generator = torch.Generator().manual_seed(seed)
    for step in range(tuning.steps):
        optimiser.param_groups[0]["lr"] = tuning.lr * 0.5 * (1 + np.cos(np.pi * step / tuning.steps))
        value, planes = loss(network, generator)
        value = value + tuning.smooth * roughness(network.field, planes, tuning.way, generator)
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        yield step + 1, float(value.detach()), network
    network.requires_grad_(False)


def towards(views: Views, tuning: Tuning) -> Loss:
    """Return the squared error of what random rays see against pictures."""
    count, side = len(views.pictures), views.pictures.shape[1]
    rays = [camera.rays(side) for camera in views.cameras]
    origins, along_ = (np.stack(part).reshape(count, -1, 3).astype(np.float32) for part in zip(*rays, strict=True))
    colours = views.pictures.reshape(count, -1, 3)
    owners = torch.tensor(list(views.objects))

    def loss(network: Triplane, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(count, (tuning.batch,), generator=generator)
        places = torch.randint(side * side, (tuning.batch, tuning.rays), generator=generator).numpy()
        picked = [torch.from_numpy(part[rows.numpy()[:, None], places]) for part in (origins, along_, colours)]
        planes = network.planes(network.raw(views.codes[owners[rows]].to(network.mean)))
        seen = network.look(planes, *(part.to(planes) for part in picked[:2]), finer=0, generator=generator)
        return (seen.colour - picked[2].to(planes) / 255).square().mean(), planes

    return loss


def along(
    codes: Tensor, source: Triplane, embed: Callable[[Tensor], Tensor], way: Tensor, tuning: Tuning
) -> Loss:  # fmt: skip
    """Return one minus the cosine between how pictures change and a direction (Gal et al. 2022, StyleGAN-NADA).

    Args:
        codes: Of objects, of unit variance.
        source: The decoder before.
        embed: Places pictures (rows, 3, side, side) in [-1, 1] in a space; differentiable.
        way: The direction in that space (out,).
        tuning: Says how many objects a step sees.
    """

    def whole(network: Triplane, planes: Tensor, camera: Camera) -> Tensor:
        through = [torch.from_numpy(part.copy()).to(planes).flatten(0, 1) for part in camera.rays(_SIDE)]
        seen = network.look(planes, *(part.expand(len(planes), -1, -1) for part in through), finer=0)
        return signed(seen.colour.view(len(planes), _SIDE, _SIDE, 3))

    def loss(network: Triplane, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(codes), (max(1, tuning.batch // 2),), generator=generator)
        camera = Camera(azimuth=float(360 * torch.rand((), generator=generator)))
        raw = network.raw(codes[rows].to(network.mean))
        planes = network.planes(raw)
        with torch.no_grad():
            before = embed(whole(source, source.planes(raw), camera))
        change = embed(whole(network, planes, camera)) - before
        return 1 - F.cosine_similarity(change, way.to(change)[None], dim=-1).mean(), planes

    return loss
