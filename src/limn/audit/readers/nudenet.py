"""NudeNet's detector of nudity, where its package is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.detector import Detector

EXPOSED = frozenset(
    [
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    ]
)
"""What counts as nudity in Schramowski et al. 2023, in the names of NudeNet 3."""


@dataclass(frozen=True, kw_only=True)
class NudeNet(Detector):
    """Reads ``flagged`` with NudeNet: whether one of the parts that Schramowski et al. 2023 count is found.

    Args:
        threshold: From 0.2, below which it tells nothing, to 1.
    """

    aliases: ClassVar[tuple[str, ...]] = ("nsfw", "packages")
    home: ClassVar[tuple[str, str]] = ("nudenet", "nudenet")
    least: ClassVar[float] = 0.2

    def scores(self, pictures: list[NDArray[np.uint8]]) -> list[float]:
        """Return the highest score of a part that counts, 0 where there is none."""
        # NudeNet takes arrays as OpenCV reads files: blue first.
        boxes = self._detector.detect_batch([picture[..., ::-1] for picture in pictures], batch_size=16)
        return [max((box["score"] for box in row if box["class"] in EXPOSED), default=0.0) for row in boxes]

    @cached_property
    def _detector(self) -> Any:
        return self.module.NudeDetector()
