"""From a tri-plane to a mesh that other programs open, by marching cubes (Lorensen and Cline 1987)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from limn.kernel.errors import InputError
from limn.scene3d.triplane import Triplane

SURFACE = math.log(2) / 0.1
"""Density at which a tenth of the cube's half side stops half of the light."""


def libraries() -> tuple[Any, Any]:
    """Return the library that marches and the one that writes.

    Raises:
        InputError: One is not installed.
    """
    try:
        import trimesh
        from skimage import measure
    except ModuleNotFoundError as error:
        raise InputError("mesh: is made by scikit-image and trimesh; install limn[scene3d]") from error
    return measure, trimesh


@torch.no_grad()
def mesh(triplane: Triplane, planes: Tensor, *, side: int = 72, about: dict[str, Any] | None = None) -> bytes:
    """Return an object's surface as a binary glTF file; y points up, an object faces along z.

    Args:
        triplane: Reads the planes.
        planes: Of one object, (3, features, side, side).
        side: Points along each side of the cube.
        about: What stands in the file of how it was made.

    Raises:
        InputError: There is nothing in the cube, or a library is missing.
    """
    measure, trimesh = libraries()
    line = torch.linspace(-1, 1, side).to(planes)
    points = torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1).view(side, -1, 3)
    volume = torch.stack([triplane.field(planes[None], part[None])[0][0] for part in points]).view(side, side, side)
    volume = torch.nn.functional.pad(volume, (1,) * 6)  # what reaches the cube's side is closed there
    if float(volume.max()) <= SURFACE:
        raise InputError("mesh: the object is empty or fog; draw another seed")
    step = 2 / (side - 1)
    places, faces, normals, _ = measure.marching_cubes(volume.cpu().numpy(), SURFACE, spacing=(step,) * 3)
    vertices = torch.from_numpy(places - 1 - step).to(planes)
    _, colour = triplane.field(planes[None], vertices[None].clamp(-1, 1))
    shaded = (colour[0] * 255).round().byte().cpu().numpy()
    alpha = np.full((len(shaded), 1), 255, np.uint8)
    body = trimesh.Trimesh(
        vertices.cpu().numpy(), faces, vertex_normals=normals, process=False,
        vertex_colors=np.concatenate([shaded, alpha], 1), metadata={"limn": about or {}},
    )  # fmt: skip
    data: bytes = body.export(file_type="glb", include_normals=True)
    return data
