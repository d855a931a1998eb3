"""The codec of things in three dimensions: a state is an object's code, a picture is what a camera sees of it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace

import torch
from torch import Tensor

from limn.kernel.request import laid_out
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane, signed
from limn.scene3d.volume import Seen


@dataclass(frozen=True, eq=False)
class Scenes:
    """Codes of a tri-plane, seen by a camera.

    Args:
        triplane: Unfolds codes into objects.
        camera: From where they are seen.
        views: From how many sides around them; all stand in one picture, four in a row.
        size: Height and width of a view in pixels; the tri-plane's own when ``None``.
        source: Finds objects in pictures in its place: the one before, where it was adapted to another look.
    """

    triplane: Triplane
    _: KW_ONLY
    camera: Camera = field(default_factory=Camera)
    views: int = 1
    size: tuple[int, int] | None = None
    source: Triplane | None = None

    @property
    def multiple(self) -> int:
        """A view's sides must be multiples of this many pixels."""
        return 8

    def posed(self, camera: str, views: int, size: tuple[int, int]) -> Scenes:
        """Return the codec that looks from elsewhere; see :func:`limn.kernel.codec.posed`."""
        return replace(self, camera=Camera.parse(camera), views=views, size=size)

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of a code, whatever the size of its pictures."""
        grid = self.triplane.config.grid
        return (self.triplane.channels, grid, grid)

    def encode(self, image: Tensor) -> Tensor:
        """Find objects that look like pictures (pictures, 3, height, width) to the camera; takes seconds each."""
        return (self.source or self.triplane).found(image[:, None], [self.camera])

    def decode(self, state: Tensor) -> Tensor:
        """Draw objects: (pictures, 3, height, width) in [-1, 1], of several views side by side."""
        return _together([signed(seen.colour) for seen in self.seen(state)], 1.0)

    def depth(self, state: Tensor) -> Tensor:
        """Return distances along the rays of :meth:`decode`'s pixels, (pictures, height, width), 0 for nothing."""
        views = [torch.where(seen.opacity > 0.5, seen.depth, 0.0)[:, None] for seen in self.seen(state)]
        return _together(views, 0.0)[:, 0]

    def seen(self, state: Tensor) -> list[Seen]:
        """Return what each view sees."""
        side = self.triplane.config.size
        planes = self.triplane.planes(self.triplane.raw(state))
        return [
            self.triplane.view(planes, camera, *(self.size or (side, side)))
            for camera in self.camera.around(self.views)
        ]


def _together(views: list[Tensor], empty: float) -> Tensor:
    """Lay views (pictures, channels, height, width) side by side in one picture."""
    _, columns = laid_out(len(views))
    views += [torch.full_like(views[0], empty)] * (-len(views) % columns)
    return torch.cat([torch.cat(views[k : k + columns], 3) for k in range(0, len(views), columns)], 2)
