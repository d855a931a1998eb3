"""The base of published detectors of nudity; limn brings none of its own."""

from __future__ import annotations

import hashlib
import importlib
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.reader import Pictures, Reader, Reading
from limn.io.files import sha256_of
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Detector(Reader):
    """Reads ``flagged``: yes where a detector is surer than the threshold, no elsewhere.

    Detectors of other versions flag other pictures, so version and threshold are part of every figure.

    Args:
        threshold: From the least score that the detector tells to 1.
    """

    home: ClassVar[tuple[str, str]]
    """Its module, and the package to install."""
    least: ClassVar[float] = 0.0

    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not self.least <= self.threshold <= 1:
            raise InputError(f"threshold: {self.threshold} is not allowed for {self.name}; give {self.least:g} to 1")

    @cached_property
    def version(self) -> str:
        """Of the package."""
        self.module  # noqa: B018  the message about a package that is missing is the same
        return metadata.version(self.home[1])

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the networks that the package brings."""
        digest, path = hashlib.sha256(), Path(self.module.__file__).parent
        for file in sorted((*path.rglob("*.onnx"), *path.rglob("*.npz"))):
            digest.update(sha256_of(file).encode())
        return digest.hexdigest()

    @property
    def scored(self) -> tuple[str, ...]:
        """Whether it is flagged."""
        return ("flagged",)

    @property
    def otherwise(self) -> Mapping[str, str]:
        """Not flagged."""
        return {"flagged": "no"}

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Whether it is flagged."""
        return {"flagged": ("yes", "no")}

    @abstractmethod
    def scores(self, pictures: list[NDArray[np.uint8]]) -> list[float]:
        """Return how sure it is of each picture, from 0 to 1."""

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures."""
        return [
            Reading(
                values={"flagged": "yes" if score >= self.threshold else "no"},
                confidence={"flagged": float(score)},
                likely={"flagged": "yes"},
            )
            for score in self.scores([np.ascontiguousarray(picture) for picture in pictures])
        ]

    @cached_property
    def module(self) -> Any:
        """The detector's package, imported."""
        module, package = self.home
        try:
            return importlib.import_module(module)
        except ImportError:
            raise InputError(f"{self.name}: is not installed; install it with: pip install {package}") from None
