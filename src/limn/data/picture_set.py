"""A data set in memory: one array of pictures, with captions and ground truth beside it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.example import Example
from limn.data.split import KNOWN, SPLITS, STYLES
from limn.io.files import read_bounded
from limn.io.pictures import composite, cover
from limn.kernel.errors import DataError, unknown_name

MANIFEST: Final = "manifest.json"
"""What was built of each set, or why it was not."""

COLUMNS: Final = (
    "key", "style", "codepoint", "label", "tags", "group", "subgroup", "profession", "gender", "tone",
    "colours", "captions", "split", "picture",
)  # fmt: skip


class PictureSet(Sequence[Example]):
    """Pictures in memory as one array, with their captions and ground truth.

    Args:
        pictures: ``(count, height, width, 4)`` straight-alpha RGBA, uint8.
        columns: One list a column; ``key``, ``captions`` and ``split`` are always there.
    """

    def __init__(self, pictures: NDArray[np.uint8], columns: Mapping[str, Sequence[Any]]) -> None:
        self.pictures = pictures
        self.columns = columns

    def __len__(self) -> int:
        return len(self.pictures)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> PictureSet: ...
    def __getitem__(self, index: int | slice) -> Example | PictureSet:
        if isinstance(index, slice):
            return self.take(range(len(self))[index])
        row = {name: values[index] for name, values in self.columns.items()}
        key, captions, split = row.pop("key"), row.pop("captions"), row.pop("split")
        picture = self.pictures[index]
        return Example(key=key, picture=picture, captions=tuple(captions), attributes=row, split=split)

    def on(self, background: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
        """Lay all pictures over one colour: ``(count, height, width, 3)`` RGB, uint8."""
        return composite(self.pictures, background)

    def take(self, places: Sequence[int]) -> PictureSet:
        """Keep the pictures at these places, in this order."""
        columns = {name: [values[place] for place in places] for name, values in self.columns.items()}
        return PictureSet(self.pictures[list(places)], columns)

    def where(self, **wanted: str | Sequence[str]) -> PictureSet:
        """Keep the pictures whose columns have a wanted value, such as ``tone="dark"``."""
        for name in wanted:
            if name not in self.columns:
                raise unknown_name("column", name, self.columns)
        sets = {name: {value} if isinstance(value, str) else set(value) for name, value in wanted.items()}
        kept = [i for i in range(len(self)) if all(self.columns[name][i] in values for name, values in sets.items())]
        return self.take(kept)


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Decode a PNG of our own: ``(height, width, 4)`` RGBA, uint8."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return np.asarray(picture if picture.mode == "RGBA" else picture.convert("RGBA"))


def gather(examples: Iterable[Example], size: int) -> PictureSet:
    """Bring examples from any reader into memory, cropped and scaled to one square size.

    Args:
        examples: Any examples; only attributes that all of them have are kept.
        size: Side of the square, in pixels.

    Returns:
        The set, in the same order.
    """
    rows = list(examples)
    pictures = np.zeros((len(rows), size, size, 4), np.uint8)
    for place, example in enumerate(rows):
        pictures[place] = np.asarray(cover(Image.fromarray(example.picture), size).convert("RGBA"))
    shared = set.intersection(*(set(example.attributes) for example in rows)) if rows else set()
    columns: dict[str, Sequence[Any]] = {
        name: [example.attributes[name] for example in rows] for name in sorted(shared)
    }
    columns["key"] = [example.key for example in rows]
    columns["captions"] = [example.captions for example in rows]
    columns["split"] = [example.split for example in rows]
    return PictureSet(pictures, columns)


def load(folder: Path, splits: Sequence[str] = ("train",), styles: Sequence[str] | None = None) -> PictureSet:
    """Read built pictograms into memory.

    Args:
        folder: What :func:`limn.data.pictograms.build` wrote.
        splits: Which of ``train``, ``pair`` and ``cell``.
        styles: Which sets; None reads those of :data:`limn.data.split.STYLES` that are there.

    Returns:
        The pictures, in the order of the styles and of the build.

    Raises:
        InputError: A split or style is unknown.
        DataError: A file is missing or damaged; no style is named, and one could not be built.
    """
    columns = packed(folder, splits, styles)
    files = columns.pop("picture")
    if not files:
        return PictureSet(np.zeros((0, 64, 64, 4), np.uint8), columns)
    first = pixels(files[0])
    pictures = np.empty((len(files), *first.shape), np.uint8)
    try:
        for place, png in enumerate(files):
            pictures[place] = pixels(png)
    except Exception as error:
        raise DataError(
            f"{folder}: {columns['key'][place]} is damaged or of another size; build it again"
        ) from error
    return PictureSet(pictures, columns)


def packed(
    folder: Path, splits: Sequence[str] = ("train",), styles: Sequence[str] | None = None
) -> dict[str, list[Any]]:
    """Read built pictograms without decoding them, for pictures that are too large to hold all at once.

    Args:
        folder: What :func:`limn.data.pictograms.build` wrote.
        splits: Which of ``train``, ``pair`` and ``cell``.
        styles: Which sets; None reads those of :data:`limn.data.split.STYLES` that are there.

    Returns:
        One list for each of :data:`COLUMNS`; ``picture`` holds PNG bytes, which :func:`pixels` decodes.

    Raises:
        InputError: A split or style is unknown.
        DataError: A file is missing or damaged; no style is named, and one could not be built.
    """
    for kind, known, names in (("split", SPLITS, splits), ("style", KNOWN, styles or ())):
        for name in names:
            if name not in known:
                raise unknown_name(kind, name, known)
    styles = styles or _built(folder)
    if not styles:
        raise DataError(f"{folder}: holds no pictograms; run: limn data build pictograms")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for style in styles:
        for name, values in _read(folder / f"{style}.parquet", splits).items():
            columns[name] += values
    return columns


def noted(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Return what was noted of each set when a folder was built; a damaged manifest counts as none."""
    try:
        data = read_bounded(folder / MANIFEST, 2**24, "build it again", error=DataError)
        return {name: entry for name, entry in json.loads(data)["sets"].items() if isinstance(entry, dict)}
    except (DataError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _built(folder: Path) -> list[str]:
    """Return the sets that are there; one that was to be there and could not be built is an error."""
    entries = noted(folder) or {}
    for style in STYLES:
        if "error" in entries.get(style, {}):
            why = str(entries[style]["error"])[:80]
            raise DataError(f"{folder}: {style} is not built ({why}); build it, or name the styles to take")
    return [style for style in STYLES if (folder / f"{style}.parquet").is_file()]


def _read(path: Path, splits: Sequence[str]) -> dict[str, list[Any]]:
    from pyarrow import parquet

    if not path.is_file():
        raise DataError(f"{path}: no such file; run: limn data build pictograms")
    try:
        # an empty list of values has no type that Arrow could compare; no split is called ""
        table = parquet.read_table(path, columns=list(COLUMNS), filters=[("split", "in", [*splits, ""])])
    except Exception as error:
        raise DataError(f"{path}: cannot be read ({str(error).splitlines()[0][:80]}); build it again") from error
    return {name: table[name].to_pylist() for name in COLUMNS}
