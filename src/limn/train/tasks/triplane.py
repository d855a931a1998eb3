"""Objects as codes that unfold into three planes, learned from pictures with known cameras.

An auto-decoder (Bojanowski et al. 2018; Park et al. 2019): every object has a code, which is learned with the
network that unfolds it. Codes start as principal components of the first views, which are from the same sides of all
objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.data.toys3d.dataset import FIXED, Toys, load
from limn.kernel.errors import InputError
from limn.scene3d import triplane
from limn.scene3d.camera import Camera
from limn.scene3d.rays import pinhole
from limn.scene3d.volume import Seen, roughness
from limn.train.batches import stream
from limn.train.card import About
from limn.train.model_folder import write_codec
from limn.train.recipe import Recipe, within
from limn.train.sheet import beside, pixels, psnr
from limn.train.task import Export, Objective, Task, autocast

_RIM = 3  # pixels around an object that are learned from too
_SHOWN = 16


@dataclass(frozen=True, kw_only=True)
class Rendering(Objective):
    """What a tri-plane minimises.

    Args:
        rays: Rays through each object in a step.
        mask: Weight of the squared error of opacity.
        prior: Weight of a code's mean square.
        smooth: Weight of how much the density changes over a short way: density regularisation.
        way: Standard deviation of that way; the cube's side is 2.
    """

    rays: int = 256
    mask: float = 0.5
    prior: float = 1e-4
    smooth: float = 0.01
    way: float = 0.03

    def __post_init__(self) -> None:
        within(self, "objective.", rays=(1, 65536), mask=(0, 100), prior=(0, 100), smooth=(0, 100), way=(0, 1))


def rendering(seen: Seen, colour: Tensor, mask: Tensor, codes: Tensor, objective: Rendering) -> Tensor:
    """Squared errors of colours and opacities along rays, and of codes' length.

    Args:
        seen: What rays see.
        colour: What they should, (rows, rays, 3) in [0, 1].
        mask: Opacity that they should see, (rows, rays).
        codes: Raw codes.
        objective: Weights of the terms.
    """
    errors = (seen.colour - colour).square().mean() + objective.mask * (seen.opacity - mask).square().mean()
    return errors + objective.prior * codes.square().mean()


class Triplane(Task[triplane.Triplane, Rendering]):
    """Learning toys from their pictures."""

    paper = "chan2022eg3d"
    Network = triplane.Triplane
    Objective = Rendering

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        self.toys = load(Path(recipe.data.folder))
        config, count = self.network.config, len(self.toys.toys)
        if config.objects != count or config.size != self.toys.pictures.shape[2]:
            raise InputError(
                f"network: objects {config.objects} and size {config.size} are not those of {recipe.data.folder}; "
                f"set objects={count} and size={self.toys.pictures.shape[2]}"
            )
        assert self.network.codes is not None
        with torch.no_grad():
            self.network.codes.copy_(components(self.toys, self.network.codes.shape[1]))
        cameras = [[self.toys.camera(row, view).frame for view in range(self.views)] for row in range(count)]
        self.frames = torch.from_numpy(np.array(cameras, np.float32))
        self.boxes = boxes(self.toys.masks)

    @property
    def views(self) -> int:
        """Views of each object; the last is shown, never learned from."""
        return int(self.toys.pictures.shape[1])

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step: random rays through random objects, of random views."""
        recipe, objective, network = self.recipe, self.objective, self.network
        rng, generator = stream(recipe.seed, 1, step), self.generator(step)
        count, batch = len(self.toys.toys), recipe.optimiser.batch
        rows = rng.choice(count, batch, replace=batch > count)
        origins, along, colour, mask = (part.to(self.device) for part in self.rays(rows, rng))
        assert network.codes is not None
        codes = network.codes[torch.from_numpy(rows).to(self.device)]
        noise = torch.randn(codes.shape, generator=generator).to(self.device)
        side = network.config.grid
        with autocast(recipe, self.device):
            planes = network.planes((codes + network.config.blur * noise).view(len(codes), -1, side, side))
        planes = planes.float()
        seen = network.look(planes, origins, along, finer=0, generator=generator)
        loss = rendering(seen, colour, mask, codes, objective)
        return loss + objective.smooth * roughness(network.field, planes, objective.way, generator)

    def rays(self, rows: NDArray[Any], rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return rays near objects: origins, directions, colours and opacities, each (rows, rays, ...)."""
        shape, side = (len(rows), self.objective.rays), self.toys.pictures.shape[2]
        objects, views = rows[:, None], rng.integers(self.views - 1, size=shape)
        low, high = self.boxes[objects, views, 0], self.boxes[objects, views, 1]
        row, column = (low + rng.random((*shape, 2)) * (high - low)).astype(np.int64).transpose(2, 0, 1)
        frames = self.frames[torch.from_numpy(rows)[:, None], torch.from_numpy(views)]
        origins, along = pinhole(frames, torch.from_numpy(column), torch.from_numpy(row), side, Camera())
        colour = self.toys.pictures[objects, views, row, column].astype(np.float32) / 255
        mask = self.toys.masks[objects, views, row, column].astype(np.float32) / 255
        return origins, along, torch.from_numpy(colour), torch.from_numpy(mask)

    @torch.inference_mode()
    def finish(self, network: triplane.Triplane) -> None:
        """Measure mean and standard deviation of the codes with their noise, channel by channel."""
        assert network.codes is not None
        codes = network.codes.view(len(network.codes), network.channels, -1)
        network.mean.copy_(codes.mean((0, 2)))
        network.std.copy_((codes.var((0, 2)) + network.config.blur**2).sqrt().clamp_min(1e-3))

    @torch.inference_mode()
    def show(self, network: triplane.Triplane) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show views that were not learned from above what is drawn; the figure is their ratio in dB."""
        true = self.toys.pictures[:_SHOWN, -1]
        planes = network.planes(network.raw(network.states()[:_SHOWN]))
        drawn = [
            network.view(planes[row : row + 1], self.toys.camera(row, -1), true.shape[1]).colour
            for row in range(len(true))
        ]
        pictures = pixels(triplane.signed(torch.cat(drawn)))
        return beside(true, pictures), {"psnr": float(psnr(pictures, true).mean())}

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A tri-plane decoder", objective="errors of rays' colours and opacities", papers=(cls.paper,)
        )

    @classmethod
    def export(cls, network: triplane.Triplane, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the decoder without the objects that it learned from."""
        return write_codec(network, folder, recipe.name)


def components(toys: Toys, count: int) -> Tensor:
    """Return the leading principal components of the first views, each of unit variance, (toys, count).

    What is left where there are fewer toys than components is zero.
    """
    pictures = toys.pictures[:, :FIXED]
    side = pictures.shape[2] // 16
    cells = pictures.reshape(len(pictures), FIXED, 16, side, 16, side, 3).astype(np.float32).mean((3, 5)) / 255
    flat = torch.from_numpy(cells).flatten(1)
    flat = flat - flat.mean(0)
    left, scale, _ = torch.linalg.svd(flat, full_matrices=False)
    kept = left[:, :count] * (len(flat) ** 0.5) * (scale[:count] > 1e-3)
    return torch.nn.functional.pad(kept, (0, count - kept.shape[1]))


def boxes(masks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the corners of boxes around objects (..., side, side), (..., 2, 2): first and last row and column."""
    side, ends = masks.shape[-1], []
    for axis in (-1, -2):  # rows hold something where any column does
        line: NDArray[np.bool_] = np.any(masks > 0, axis)
        first, last = line.argmax(-1), side - line[..., ::-1].argmax(-1)
        ends.append(np.stack([np.maximum(0, first - _RIM), np.minimum(side, last + _RIM)], -1))
    return np.stack(ends, -1).astype(np.int64)
