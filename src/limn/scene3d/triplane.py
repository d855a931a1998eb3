"""An object as three planes of features, which a small code is unfolded into (Chan et al. 2022).

A point reads the planes XY, XZ and YZ where it stands, adds up what they say, and a small network turns the sum into
a density and a colour. Colours do not depend on where one looks from, so all views agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import check_range, require
from limn.networks.convolutions import GROUP, Residual
from limn.networks.shipped import Configured
from limn.scene3d.camera import Camera
from limn.scene3d.rays import cube
from limn.scene3d.volume import Seen, look

PLANES: Final = ((0, 1), (0, 2), (1, 2))
"""The axes of the planes XY, XZ and YZ."""
_CHUNK = 2**18  # points read at once
_PARTS = ("colour", "opacity", "depth")
_SHARP = 8.0  # density of a raw value of about 1, so that a thin wall can be opaque


@dataclass(frozen=True, kw_only=True)
class TriplaneConfig:
    """The shape of a tri-plane decoder; every field is bounded.

    Args:
        channels: Channels of a code.
        grid: Side of a code in cells.
        widths: Channels of the layers at ``grid``, twice ``grid`` and so on; the last is the planes' side.
        features: Features of a plane's cell.
        hidden: Width of the network that reads a point.
        samples: Points on each ray.
        finer: Further points on each ray, where something is.
        size: Side of a picture in pixels, unless told otherwise.
        blur: Standard deviation of the noise on raw codes that it learned to bear.
        objects: Codes of objects that are learned with the network; 0 for none.
    """

    channels: int = 8
    grid: int = 4
    widths: tuple[int, ...] = (96, 64, 48, 16)
    features: int = 16
    hidden: int = 32
    samples: int = 32
    finer: int = 16
    size: int = 64
    blur: float = 0.1
    objects: int = 0

    def __post_init__(self) -> None:
        check_range(self, channels=(1, 256), grid=(1, 32), features=(1, 128), hidden=(1, 512), samples=(1, 512))
        check_range(self, finer=(0, 512), size=(8, 1024), objects=(0, 10**6))
        require(0 <= self.blur <= 10, "blur must be from 0 to 10")
        require(self.size % self.grid == 0, "size must be a multiple of grid")
        sound = all(type(width) is int and 0 < width <= 1024 and width % GROUP == 0 for width in self.widths)
        require(1 <= len(self.widths) <= 6 and sound, f"widths must be 1 to 6 multiples of {GROUP} up to 1024")

    @property
    def side(self) -> int:
        """Cells along one side of a plane."""
        return int(self.grid * 2 ** (len(self.widths) - 1))


class Triplane(Configured):
    """Codes of unit variance to objects, and what rays see of them."""

    shape = TriplaneConfig
    config: TriplaneConfig
    mean: Tensor
    std: Tensor

    def __init__(self, config: TriplaneConfig) -> None:
        super().__init__(config)
        cells, first = config.grid**2, config.widths[0]
        layers: list[nn.Module] = [
            nn.Flatten(), nn.Linear(config.channels * cells, first * cells),
            nn.Unflatten(1, (first, config.grid, config.grid)),
        ]  # fmt: skip
        for level, width in enumerate(config.widths):
            if level:
                layers += [nn.Conv2d(config.widths[level - 1], 4 * width, 1), nn.PixelShuffle(2)]
            layers.append(Residual(width))
        last = config.widths[-1]
        self.unfold = nn.Sequential(*layers, nn.SiLU(), nn.Conv2d(last, 3 * config.features, 3, padding=1))
        self.point = nn.Sequential(
            nn.Linear(config.features, config.hidden), nn.ReLU(),
            nn.Linear(config.hidden, config.hidden), nn.ReLU(), nn.Linear(config.hidden, 4),
        )  # fmt: skip
        self.register_buffer("mean", torch.zeros(config.channels))
        self.register_buffer("std", torch.ones(config.channels))
        codes = torch.randn(config.objects, config.channels * cells)
        self.codes = nn.Parameter(codes) if config.objects else None

    @property
    def channels(self) -> int:
        """Channels of a code."""
        return self.config.channels

    @property
    def factor(self) -> int:
        """Pixels of a picture along one side of a code's cell."""
        return self.config.size // self.config.grid

    def bare(self) -> Triplane:
        """Return a copy without the learned objects' codes."""
        copy = Triplane(replace(self.config, objects=0))
        copy.load_state_dict({name: value for name, value in self.state_dict().items() if name != "codes"})
        return copy.eval().requires_grad_(False)

    def planes(self, raw: Tensor) -> Tensor:
        """Unfold raw codes (rows, channels, grid, grid) into planes (rows, 3, features, side, side)."""
        planes: Tensor = self.unfold(raw).unflatten(1, (3, -1))
        return planes

    def raw(self, states: Tensor) -> Tensor:
        """Turn codes of unit variance into raw ones."""
        return states * self.std[:, None, None] + self.mean[:, None, None]

    def states(self) -> Tensor:
        """Return the learned objects' codes, of unit variance, (objects, channels, grid, grid)."""
        require(self.codes is not None, "the tri-plane has no codes of objects; train it first")
        assert self.codes is not None
        raw: Tensor = self.codes.view(-1, self.config.channels, self.config.grid, self.config.grid)
        return (raw - self.mean[:, None, None]) / self.std[:, None, None]

    def decode(self, states: Tensor) -> Tensor:
        """Draw objects as the usual camera sees them: (rows, 3, size, size) in [-1, 1]."""
        seen = self.view(self.planes(self.raw(states)), Camera(), self.config.size)
        return signed(seen.colour)

    def encode(self, image: Tensor) -> Tensor:
        """Find codes of objects that look like pictures (rows, 3, side, side) in [-1, 1] to the usual camera."""
        return self.found(image[:, None], [Camera()])

    def found(
        self, pictures: Tensor, cameras: Sequence[Camera], *, steps: int = 200, starts: int = 4, prior: float = 2e-3
    ) -> Tensor:
        """Find codes of objects from pictures, by gradient descent on what random rays see.

        Args:
            pictures: On white, (rows, views, 3, side, side) in [-1, 1].
            cameras: One for each view.
            steps: Of Adam.
            starts: From how many places; the best end is kept.
            prior: Weight of a code's squared length.

        Returns:
            Codes of unit variance, (rows, channels, grid, grid).
        """
        codes = [self._found(own.to(self.mean), cameras, steps, starts, prior) for own in pictures]
        return (
            torch.stack(codes) if codes else pictures.new_zeros(0, self.channels, self.config.grid, self.config.grid)
        )

    def _found(self, pictures: Tensor, cameras: Sequence[Camera], steps: int, starts: int, prior: float) -> Tensor:
        generator, (height, width) = torch.Generator().manual_seed(0), pictures.shape[-2:]
        rays = zip(*(camera.rays(height, width) for camera in cameras), strict=True)
        origins, along = (torch.from_numpy(np.concatenate(part)).flatten(0, 1).to(self.mean) for part in rays)
        true = ((pictures + 1) / 2).permute(0, 2, 3, 1).reshape(-1, 3)
        near = F.max_pool2d(1 - pictures.amin(1, keepdim=True), 5, 1, 2).flatten() > 0.1
        places = torch.cat([near.nonzero().flatten()] * 2 + [torch.arange(len(true), device=near.device)])
        with torch.inference_mode(False), torch.enable_grad():
            start = torch.randn(starts, self.channels, self.config.grid, self.config.grid, generator=generator)
            start[0] = 0
            codes = (start.to(self.mean) * 0.7).requires_grad_()
            optimiser = torch.optim.Adam([codes], lr=0.05)
            losses = torch.zeros(starts)
            for step in range(steps):
                chosen = places[torch.randint(len(places), (192,), generator=generator)]
                through = [part[chosen].expand(starts, -1, -1).clone() for part in (origins, along)]
                seen = self.look(self.planes(self.raw(codes)), *through, finer=0, generator=generator)
                error = (seen.colour - true[chosen].clone()).square().mean((1, 2))
                (gradient,) = torch.autograd.grad(error.sum() + prior * codes.square().mean((1, 2, 3)).sum(), codes)
                codes.grad = gradient
                optimiser.param_groups[0]["lr"] = 0.05 * min(1, 2 - 2 * step / steps)
                optimiser.step()
                losses = 0.9 * losses + 0.1 * error.detach().cpu()
            return codes.detach()[int(losses.argmin())].clone()

    def field(self, planes: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """Read points (rows, points, 3): densities (rows, points), and colours (rows, points, 3) in [0, 1]."""
        answer = self.point(read(planes, points))
        return _SHARP * F.softplus(answer[..., 0] - 1), answer[..., 1:].sigmoid()

    def look(self, planes: Tensor, origins: Tensor, directions: Tensor, **how: int | torch.Generator | None) -> Seen:
        """Look along rays (rows, rays, 3) at objects; options as of :func:`limn.scene3d.volume.look`."""
        fixed: dict[str, Any] = {"samples": self.config.samples, "finer": self.config.finer, **how}
        return look(lambda points: self.field(planes, points), origins, directions, **fixed)

    def view(self, planes: Tensor, camera: Camera, height: int, width: int | None = None) -> Seen:
        """Look at objects with a camera; rays are (rows, height, width).

        Every second pixel of every second row is looked at first; only rays near something are then followed.
        """
        whole = [torch.from_numpy(part.copy()).to(planes) for part in camera.rays(height, width)]
        seen = [self._view(own[None], *whole) for own in planes]
        return Seen(**{name: torch.stack([getattr(one, name) for one in seen]) for name in _PARTS})

    def _view(self, planes: Tensor, origins: Tensor, along: Tensor) -> Seen:
        shape = origins.shape[:2]
        glance = self._follow(planes, *(part[::2, ::2].flatten(0, 1) for part in (origins, along)), finer=0)
        there = glance.opacity.view(1, 1, -(-shape[0] // 2), -(-shape[1] // 2))
        there = F.interpolate(F.max_pool2d(there, 3, 1, 1), scale_factor=2)[0, 0, : shape[0], : shape[1]] > 0.01
        far = cube(origins, along)[1]
        colour, opacity, depth = torch.ones_like(origins), torch.zeros_like(far), far.clone()
        if there.any():
            close = self._follow(planes, origins[there], along[there])
            colour[there], opacity[there], depth[there] = close.colour, close.opacity, close.depth
        return Seen(colour=colour, opacity=opacity, depth=depth)

    def _follow(self, planes: Tensor, origins: Tensor, along: Tensor, **how: int) -> Seen:
        """Follow rays (rays, 3) a few at a time."""
        step = max(1, _CHUNK // (self.config.samples + self.config.finer))
        parts = [
            self.look(planes, origins[None, k : k + step], along[None, k : k + step], **how)
            for k in range(0, len(origins), step)
        ]
        return Seen(**{name: torch.cat([getattr(part, name)[0] for part in parts]) for name in _PARTS})


def signed(colour: Tensor) -> Tensor:
    """Turn what is seen (rows, height, width, 3) in [0, 1] into pictures (rows, 3, height, width) in [-1, 1]."""
    return colour.permute(0, 3, 1, 2) * 2 - 1


def read(planes: Tensor, points: Tensor) -> Tensor:
    """Add up what planes (rows, 3, features, side, side) say at points (rows, points, 3) in the cube.

    Returns:
        (rows, points, features).
    """
    rows, _, features = planes.shape[:3]
    places = torch.stack([points[..., list(axes)] for axes in PLANES], 1).flatten(0, 1)[:, :, None]
    values = F.grid_sample(planes.flatten(0, 1), places, padding_mode="border", align_corners=False)
    return values.view(rows, 3, features, -1).sum(1).transpose(1, 2)
