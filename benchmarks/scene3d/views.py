"""Held-out objects found in one or more views: unseen views, distances, and views that agree with each other."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.scene3d.common import MODEL, TOYS, drawn, psnr, remembered, seen, triplane_of
from limn.data.toys3d.captions import prompts
from limn.data.toys3d.dataset import Toys, load
from limn.scene3d.camera import Camera
from limn.scene3d.triplane import Triplane
from limn.studio.edited_views import resized
from limn.train.batches import signed

GIVEN = (1, 2, 4)
"""Views that an object is found from; the others are not shown."""
TURNS = (15.0, 30.0, 45.0)
"""Degrees between two views that should agree."""


def measure(*, model: str = MODEL, objects: int = 48, data: Path = TOYS) -> dict[str, Any]:
    """Return errors on unseen views by how many were given, and how far views agree, against two flat ways."""
    toys, triplane = load(data, "held_out"), triplane_of(model)
    objects = min(objects, len(toys.toys))
    figures: dict[str, Any] = {"model": model, "objects": objects}
    for count in GIVEN:
        rows = [
            remembered("views", f"{count}-{row}", partial(_found, triplane, toys, row, count))
            for row in range(objects)
        ]
        figures[f"from {count}"] = {name: mean([row[name] for row in rows]) for name in rows[0]}
    return {**figures, "agreement": agreement(model, triplane, objects)}


def _found(triplane: Triplane, toys: Toys, row: int, count: int) -> dict[str, float]:
    views = toys.pictures.shape[1]
    cameras = [toys.camera(row, view) for view in range(views)]
    # the given views stand as far from each other as they go: the reader's cameras are the first
    given = [view for view, _ in zip((0, 2, 1, 3), range(count), strict=False)]
    state = triplane.found(signed(toys.pictures[row, given])[None], [cameras[view] for view in given])
    ratios, likeness, depths, flat = [], [], [], []
    for view in range(4, views):
        picture, opacity, depth = (part[0] for part in seen(triplane, state, cameras[view]))
        true = toys.pictures[row, view]
        there = (toys.masks[row, view] > 127) & (opacity > 0.5)
        ratios.append(psnr(picture, true))
        likeness.append(structural_similarity(picture, true, channel_axis=2))
        if there.any():
            depths.append(np.abs(depth - toys.depths[row, view].astype(float))[there].mean())
        flat.append(psnr(billboard(toys.pictures[row, 0], cameras[0], cameras[view]), true))
    return {
        "PSNR of unseen views, dB": float(np.mean(ratios)), "SSIM of unseen views": float(np.mean(likeness)),
        "error of distance": float(np.mean(depths)) if depths else 2.0,
        "PSNR of a billboard, dB": float(np.mean(flat)),
    }  # fmt: skip


def billboard(picture: Pixels, own: Camera, other: Camera) -> Pixels:
    """Return what another camera sees of a picture that stands upright in the middle, facing its own camera."""
    side = picture.shape[0]
    origins, along = other.rays(side)
    away = along @ own.frame[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        points = origins + along * (-(origins @ own.frame[2]) / away)[..., None]
    places, _ = own.project(points.reshape(-1, 3), side)
    return looked_up(picture, places.reshape(side, side, 2))


def looked_up(picture: Pixels, places: NDArray[Any]) -> Pixels:
    """Return the pixels at places (height, width, 2) of column and row, white outside."""
    side = picture.shape[0]
    cells = np.floor(np.nan_to_num(places, nan=-1.0, posinf=-1.0, neginf=-1.0)).astype(int)
    inside = ((cells >= 0) & (cells < side)).all(-1)
    cells = cells.clip(0, side - 1)
    return np.where(inside[..., None], picture[cells[..., 1], cells[..., 0]], 255).astype(np.uint8)


def agreement(model: str, triplane: Triplane, count: int) -> dict[str, Any]:
    """Return the error between a view and the same seen through the next one, where both see the object."""
    texts = [one.text for one in prompts(count, "held_out")]
    states = drawn(model, texts)
    side = triplane.config.size
    flat = np.stack([resized(one, (side, side)) for one in draw("emoji", texts, n=1 + len(TURNS)).pixels])
    flat = flat.reshape(count, 1 + len(TURNS), side, side, 3)
    errors: dict[str, list[float]] = {"three dimensions": [], "a billboard": [], "a flat model, view by view": []}
    for row in range(count):
        own: dict[str, list[float]] = {name: [] for name in errors}
        for turn, degrees in enumerate(TURNS, start=1):
            for name, error in _pair(triplane, states[row : row + 1], flat[row, [0, turn]], degrees).items():
                own[name].append(error)
        for name, parts in own.items():
            errors[name].append(float(np.mean(parts)))
    ours = errors["three dimensions"]
    return {
        "root mean square": {name: mean(values) for name, values in errors.items()},
        "less than": {name: paired(values, ours) for name, values in errors.items() if values is not ours},
    }


def _pair(triplane: Triplane, state: torch.Tensor, flat: Sequence[Pixels], degrees: float) -> dict[str, float]:
    """Return errors between two views, the first looked up at the points that the second sees."""
    one, two = Camera(), Camera().turned(degrees)
    first, _, near = (part[0] for part in seen(triplane, state, one))
    second, opacity, depth = (part[0] for part in seen(triplane, state, two))
    side = first.shape[0]
    origins, along = two.rays(side)
    points = (origins + along * depth[..., None]).reshape(-1, 3)
    places, away = one.project(points, side)
    places = places.reshape(side, side, 2)
    cells = np.floor(places).astype(int).clip(0, side - 1)
    both = (opacity > 0.5) & (np.abs(near[cells[..., 1], cells[..., 0]] - away.reshape(side, side)) < 0.15)
    if not both.any():
        both = opacity > 0.5

    def error(from_first: Pixels, true: Pixels) -> float:
        return float(np.sqrt(np.square((from_first.astype(float) - true) / 255)[both].mean())) if both.any() else 0.0

    return {
        "three dimensions": error(looked_up(first, places), second),
        "a billboard": error(billboard(first, one, two), second),
        "a flat model, view by view": error(looked_up(flat[0], places), flat[1]),
    }
