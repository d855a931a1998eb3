"""Read a picture by least squares: which of all pictures that can be drawn lies nearest, and how surely.

The margin of a reading against a rival is measured along the line that joins the best explanation to the rival:

    margin = (|x - rival|^2 - |x - best|^2) / |best - rival|^2

It is 1 where the picture is exactly the best template, 0 half-way to the rival, and has no unit, so one limit serves
for a rival that differs in two pixels and for one that differs in a thousand. Noise of standard deviation s moves it
by 2 s / |rival - best|.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limn.kernel.errors import InputError

UNREADABLE = "unreadable"
"""What a reader returns in place of a word when it cannot tell."""

MIN_MARGIN = 0.25
"""A field is unreadable below this margin: 1 is the template itself, 0 half-way to the next one."""

MAX_RESIDUAL = 0.15
"""A quarter of a picture is unreadable above this root mean square error, in the range 0 to 1."""

_SOFT = (0.25, 0.5, 0.25)  # a blur with a standard deviation of 0.71 pixels

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def as_unit_range(pictures: NDArray[np.generic], side: int) -> Floats:
    """Check pictures that are to be read and bring them to the range 0 to 1.

    Args:
        pictures: uint8, or float from 0 to 1 (values outside are kept), of shape (n, side, side, 3).
        side: Expected height and width, pixels.

    Returns:
        float32 of the same shape.

    Raises:
        InputError: The shape or type does not fit, or a value is not finite.
    """
    array = np.asarray(pictures)
    if array.ndim != 4 or array.shape[1:] != (side, side, 3):
        raise InputError(f"pictures: expected shape (n, {side}, {side}, 3), got {array.shape}; resize first")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"pictures: expected uint8 or floats from 0 to 1, got {array.dtype}")
    if not np.isfinite(array).all():
        raise InputError("pictures: some values are not finite; check the model that drew them")
    return array.astype(np.float32)


def _dot(left: Floats, right: Floats) -> Floats:
    """Inner products of rows."""
    return np.asarray(np.einsum("td,td->t", left, right))


def soften(pictures: NDArray[np.uint8]) -> Floats:
    """Blur pictures (n, height, width, 3) by 0.71 pixels; float32 from 0 to 255."""
    soft = pictures.astype(np.float32)
    for axis in (1, 2):
        wide = np.pad(soft, [(1, 1) if k == axis else (0, 0) for k in range(4)], mode="edge")
        near = [wide.take(range(k, k + soft.shape[axis]), axis=axis) for k in range(3)]
        soft = _SOFT[0] * near[0] + _SOFT[1] * near[1] + _SOFT[2] * near[2]
    return soft


def quarters(left: Floats) -> Floats:
    """Root mean square of each quarter of what is left over.

    Args:
        left: Difference of pictures, (n, side, side, 3).

    Returns:
        float32 of shape (n, 4): top left, top right, bottom left, bottom right.
    """
    half = left.shape[1] // 2
    cells = (left**2).reshape(-1, 2, half, 2, half, 3)
    return np.asarray(np.sqrt(cells.mean(axis=(2, 4, 5))).reshape(-1, 4))


@dataclass(frozen=True, kw_only=True, eq=False)
class Templates:
    """Every picture that can be drawn, flat, and what each one shows.

    Small models draw softly, so a template is a line, from the crisp picture to its blurred copy, and a picture is
    compared with the nearest point of it: a slight blur moves a picture along a line, as diffusion starts.

    Args:
        flat: Crisp pictures, float32 of shape (templates, values).
        change: What the blur changes, of the same shape.
        labels: What each template shows, int of shape (templates, fields).
    """

    flat: Floats
    change: Floats
    labels: Ints

    @classmethod
    def of(cls, pictures: NDArray[np.uint8], labels: Ints) -> Templates:
        """Build templates from drawn pictures (templates, height, width, 3)."""
        flat = (pictures.astype(np.float32) / np.float32(255)).reshape(len(pictures), -1)
        soft = (soften(pictures) / np.float32(255)).reshape(flat.shape)
        return cls(flat=flat, change=soft - flat, labels=labels)

    def fit(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Compare each picture with each template.

        Args:
            pictures: float32 of shape (n, ...), as many values each as a template.

        Returns:
            Squared distance, and the blur from 0 (crisp) to 1 at which it is reached; both (n, templates).
        """
        x = pictures.reshape(len(pictures), -1)
        crisp = _dot(x, x)[:, None] - 2 * (x @ self.flat.T) + _dot(self.flat, self.flat)
        slope = x @ self.change.T - _dot(self.flat, self.change)
        spread = _dot(self.change, self.change) + np.float32(1e-6)
        blur = np.clip(slope / spread, 0, 1)
        return np.maximum(crisp - 2 * blur * slope + blur**2 * spread, 0), blur

    def at(self, numbers: Ints, blur: Floats) -> Floats:
        """Draw templates by number, each with its blur; both of shape (n,), the result (n, values)."""
        return self.flat[numbers] + blur[:, None] * self.change[numbers]

    def margins(self, errors: Floats, blur: Floats, best: Ints) -> Floats:
        """For each field, the smallest margin over all templates that show another value of this field.

        Args:
            errors: Squared distances as given by fit, (n, templates).
            blur: Blurs as given by fit, (n, templates).
            best: Number of the chosen template of each picture, (n,).

        Returns:
            float32 of shape (n, fields); 1 where a picture is the chosen template at some blur.
        """
        rows = np.arange(len(best))
        apart, _ = self.fit(self.at(best, blur[rows, best]))
        ratio = (errors - errors[rows, best][:, None]) / np.maximum(apart, 1e-6)
        margins = np.empty((len(best), self.labels.shape[1]), np.float32)
        for field, label in enumerate(self.labels.T):
            margins[:, field] = np.where(label != label[best][:, None], ratio, np.inf).min(axis=1)
        return margins
