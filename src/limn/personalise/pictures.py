"""The pictures that a person shows: read strictly, each with what is said of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from limn.data.folders import SUFFIXES, captions_in
from limn.io.files import read_bounded
from limn.io.pictures import MAX_BYTES, composite, decode
from limn.kernel.errors import DataError, InputError

LEAST: Final = 16
"""Pixels of the shorter side that a picture must have."""

LARGEST: Final = 1024
"""Pixels of the longer side that are kept of a picture; no model here sees more."""

MOST: Final = 500
_LISTED: Final = "metadata.jsonl"
_MAX_TEXT: Final = 2**20


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A picture that is learned from.

    Args:
        name: Its path, as given.
        sha256: Of the file.
        picture: RGB, upright, what was transparent on white.
        caption: What is said of it; empty where nothing is.
    """

    name: str
    sha256: str
    picture: Image.Image
    caption: str = ""

    def square(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return the middle of it, scaled to a size (height, width, 3)."""
        fitted = ImageOps.fit(self.picture, (width, height), Image.Resampling.LANCZOS)
        return np.array(fitted)


def read(paths: Sequence[Path], captions: Sequence[str] = ()) -> list[Shown]:
    """Read pictures with their captions.

    Args:
        paths: Pictures, or folders of them. What is said of one stands in the ``metadata.jsonl`` of its folder, or
            in a text file of its name.
        captions: In place of those: one for all, or one for each.

    Raises:
        InputError: There is no picture, or the captions do not fit their number.
        DataError: A file cannot be read as a picture or is too small; it is named.
    """
    files = [file for path in paths for file in _files(path)]
    if not 1 <= len(files) <= MOST:
        raise InputError(f"pictures: {len(files)} given; name from 1 to {MOST} files, or folders that hold them")
    if twice := [file for file, count in _counts(files).items() if count > 1]:
        raise InputError(f"pictures: {twice[0]} is named twice; name it once")
    if len(captions) not in (0, 1, len(files)):
        raise InputError(f"caption: {len(captions)} for {len(files)} pictures; give one for all, or one for each")
    if len(captions) == 1:
        captions = [captions[0]] * len(files)
    said = captions or [caption_of(file) for file in files]
    return [_shown(file, caption) for file, caption in zip(files, said, strict=True)]


def caption_of(file: Path) -> str:
    """Return what ``metadata.jsonl`` or a text file beside a picture says of it; empty if neither does.

    Raises:
        DataError: The text cannot be read.
    """
    if file.name in (listed := _listed(file.parent)):
        return listed[file.name]
    beside = file.with_suffix(".txt")
    if not beside.is_file():
        return ""
    lines = _text(beside).splitlines()
    return next((line.strip() for line in lines if line.strip()), "")


def _shown(file: Path, caption: str) -> Shown:
    data = read_bounded(file, MAX_BYTES, "scale it down", error=InputError)
    picture = decode(data, name=str(file))
    if min(picture.size) < LEAST:
        raise DataError(f"{file}: {picture.width} x {picture.height} pixels; at least {LEAST} a side are needed")
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    if picture.mode == "RGBA":
        picture = Image.fromarray(composite(np.asarray(picture)))
    return Shown(name=str(file), sha256=hashlib.sha256(data).hexdigest(), picture=picture, caption=caption)


def _files(path: Path) -> Iterator[Path]:
    """Return a file, or the pictures of a folder; what else is in it must be text that belongs to one."""
    path = path.expanduser()
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.iterdir()):
        if file.name.startswith(".") or file.name == _LISTED:
            continue
        if file.suffix.lower() in SUFFIXES:
            yield file
        elif file.suffix != ".txt":
            kinds = ", ".join(SUFFIXES)
            raise DataError(f"{file}: is no picture ({kinds}) nor the text of one; move it, or name the pictures")


def _listed(folder: Path) -> Mapping[str, str]:
    path = folder / _LISTED
    if not path.is_file():
        return {}
    captions = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            captions[str(entry["file_name"])] = next(iter(captions_in(entry)), "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise DataError(f"{path}:{number}: is not an object with a file_name; mend the line") from None
    return captions


def _text(path: Path) -> str:
    try:
        return read_bounded(path, _MAX_TEXT, "it is no caption", error=DataError).decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}: is not UTF-8 text; save it as UTF-8") from None


def _counts(files: Sequence[Path]) -> Mapping[Path, int]:
    resolved: dict[Path, int] = {}
    for file in files:
        resolved[file.resolve()] = resolved.get(file.resolve(), 0) + 1
    return resolved
