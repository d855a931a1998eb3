"""Haze: how much contrast a picture has, and whether it is hazy."""

from collections.abc import Mapping
from dataclasses import dataclass

from limn import Reader, Reading
from limn.audit.readers.reader import Pictures

__all__ = ["Haze"]


@dataclass(frozen=True, kw_only=True)
class Haze(Reader):
    """Reads the contrast of pictures; one of a single colour cannot be read.

    Args:
        below: Standard deviation of all values, from 0 to 128, below which a picture is hazy.
    """

    below: float = 40.0

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """Haze in words, contrast as a number."""
        return {"haze": ("hazy", "clear"), "contrast": ()}

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read pictures of any sizes."""
        return [self._reading(float(picture.std())) for picture in pictures]

    def _reading(self, contrast: float) -> Reading:
        if contrast == 0:
            return self.nothing()
        return Reading(values={"haze": "hazy" if contrast < self.below else "clear", "contrast": contrast})
