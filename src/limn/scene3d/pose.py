"""From where a picture was taken: kernel ridge regression from what stands out of white to a direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError
from limn.scene3d.camera import Camera

_SIDE: Final = 16
_FOLDS: Final = 5
_RIDGES: Final = (1e-3, 1e-2, 1e-1, 1.0)

Floats = NDArray[np.float64]
Pictures = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class PoseReader:
    """Tells from a picture of a thing from which side it is seen.

    Args:
        shown: What it learned from, one row for each picture (pictures, features).
        answers: Weights of those (pictures, 3).
        width: Of the kernel, a squared distance.
        error: Median angle in degrees by which it errs on things that it did not learn from.
    """

    shown: Floats
    answers: Floats
    width: float
    error: float

    @classmethod
    def fit(cls, pictures: Pictures, cameras: Sequence[Camera], things: Sequence[int]) -> PoseReader:
        """Learn from pictures with known cameras.

        Args:
            pictures: On white, (pictures, side, side, 3); sides are multiples of 16.
            cameras: One for each.
            things: Which thing each shows; its error is that on things left out, in five folds.

        Raises:
            InputError: There are fewer than five things.
        """
        names = sorted(set(things))
        if len(names) < _FOLDS:
            raise InputError(f"views: {len(names)} things to learn poses from; draw at least {_FOLDS}")
        shown, true = features(pictures), directions(cameras)
        near = _squares(shown, shown)
        width = float(np.median(near[near > 0])) if (near > 0).any() else 1.0
        kernel = np.exp(-near / width)
        folds = np.array([names.index(name) % _FOLDS for name in things])
        errors = {ridge: _left_out(kernel, true, folds, ridge) for ridge in _RIDGES}
        ridge = min(errors, key=lambda one: float(np.median(errors[one])))
        return cls(
            shown=shown, answers=_solved(kernel, true, ridge), width=width, error=float(np.median(errors[ridge]))
        )

    def read(self, pictures: Pictures) -> Floats:
        """Return unit vectors from a thing towards the camera, (pictures, 3)."""
        kernel = np.exp(-_squares(features(pictures), self.shown) / self.width)
        return _unit(kernel @ self.answers)

    def away(self, pictures: Pictures, cameras: Sequence[Camera]) -> Floats:
        """Return the angles in degrees between where pictures seem to be taken from and cameras, (pictures,)."""
        return angles(self.read(pictures), directions(cameras))


def features(pictures: Pictures) -> Floats:
    """Return how far cells are from white, and their light against the thing's own, (pictures, features)."""
    factor = pictures.shape[1] // _SIDE
    cells = pictures.reshape(len(pictures), _SIDE, factor, _SIDE, factor, 3).mean((2, 4)) / 255
    there = np.minimum(1, (1 - cells.min(-1)) / 0.3)
    light = cells.mean(-1)
    total = there.sum((1, 2)).clip(1e-6)[:, None, None]
    mean = (there * light).sum((1, 2), keepdims=True) / total
    spread = np.sqrt((there * (light - mean) ** 2).sum((1, 2), keepdims=True) / total).clip(0.02)
    shade = there * (light - mean) / spread
    return np.concatenate([there.reshape(len(there), -1), 0.3 * shade.reshape(len(there), -1)], 1)


def directions(cameras: Sequence[Camera]) -> Floats:
    """Return unit vectors from the origin towards cameras, (cameras, 3)."""
    return np.array([-camera.frame[2] for camera in cameras]).reshape(-1, 3)


def angles(first: Floats, second: Floats) -> Floats:
    """Return the angles between unit vectors (n, 3) in degrees, (n,)."""
    result: Floats = np.degrees(np.arccos((first * second).sum(-1).clip(-1, 1)))
    return result


def _left_out(kernel: Floats, true: Floats, folds: NDArray[Any], ridge: float) -> Floats:
    errors = np.zeros(len(true))
    for fold in range(_FOLDS):
        out = folds == fold
        answers = _solved(kernel[~out][:, ~out], true[~out], ridge)
        errors[out] = angles(_unit(kernel[out][:, ~out] @ answers), true[out])
    return errors


def _solved(kernel: Floats, true: Floats, ridge: float) -> Floats:
    return np.asarray(np.linalg.solve(kernel + ridge * np.eye(len(kernel)), true), np.float64)


def _squares(first: Floats, second: Floats) -> Floats:
    lengths = (first**2).sum(1)[:, None] + (second**2).sum(1)[None]
    return np.asarray(np.maximum(0, lengths - 2 * first @ second.T), np.float64)


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True).clip(1e-9), np.float64)
