"""Read folders of pictures with captions: metadata.jsonl, or a text file beside each picture."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np

from limn.data.example import Example
from limn.data.report import Report
from limn.io.files import open_file
from limn.io.pictures import cover, decode
from limn.kernel.errors import DataError

SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
CAPTION_FIELDS: Final = ("captions", "caption", "text", "prompt")
MAX_FILE: Final = 64 << 20
_METADATA: Final = "metadata.jsonl"
_MAX_CAPTION: Final = 64 << 10

Record = tuple[str, bytes | None, tuple[str, ...], Mapping[str, Any]]
"""Name, bytes of the picture (None where there is none), captions and attributes, none of them checked."""


def read_folder(
    folder: Path, *, size: int | None = None, report: Report | None = None, skip: Collection[str] = ()
) -> Iterator[Example]:
    """Read an image folder, in order of its lines or names.

    With ``metadata.jsonl`` each line is ``{"file_name": ..., "text": ...}`` (the Hugging Face layout);
    without, ``name.txt`` beside ``name.png`` holds one caption a line (the kohya layout).

    Args:
        folder: Where the pictures are, also in folders below.
        size: Crop and scale to this square; None keeps each picture's size.
        report: Gathers what was left out; a fresh one if None.
        skip: Names that are passed over unread; they count as read.

    Yields:
        Examples; further fields of a line become attributes.

    Raises:
        DataError: The folder is missing, or too much of it cannot be used.
    """
    report = report if report is not None else Report()
    _check(folder)
    yield from examples_of(folder, _records(folder, report, skip), size=size, report=report)


def count(folder: Path) -> int:
    """Return how many lines or pictures :func:`read_folder` would go through.

    Raises:
        DataError: The folder is missing, or its list cannot be read.
    """
    _check(folder)
    listed = folder / _METADATA
    if listed.is_file():
        with open_file(listed, error=DataError) as file:
            return sum(1 for line in file if line.strip())
    return sum(1 for _ in _pictures(folder))


def examples_of(source: object, records: Iterator[Record], *, size: int | None, report: Report) -> Iterator[Example]:
    """Decode untrusted pictures; note in the report which cannot be used, and judge the source at its end."""
    for name, data, captions, attributes in records:
        if data is None or not captions:
            report.leave_out(name, "no caption" if data is not None else "no picture")
            continue
        try:
            picture = decode(data, name=name)
        except DataError as error:
            report.leave_out(name, "unreadable picture", str(error))
            continue
        report.good += 1
        array = np.asarray(picture if size is None else cover(picture, size))
        yield Example(key=name, picture=array, captions=captions, attributes=attributes)
    report.finish(source)


def _records(folder: Path, report: Report, skip: Collection[str]) -> Iterator[Record]:
    listed, names = folder / _METADATA, set()
    entries = _from_lines(listed, report) if listed.is_file() else _from_names(folder, report)
    for name, captions, attributes in entries:
        if name in names:
            report.leave_out(name, "named twice")
            continue
        names.add(name)
        if name in skip:
            report.good += 1
            continue
        try:
            yield name, _read_inside(folder, name), captions, attributes
        except DataError as error:
            report.leave_out(name, "file missing or outside", str(error))


def captions_in(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Find the captions in a record: a text or a list of texts under one of the usual names."""
    for field in CAPTION_FIELDS:
        value = entry.get(field)
        texts = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
        kept = tuple(text.strip() for text in texts if isinstance(text, str) and text.strip())
        if kept:
            return kept
    return ()


def _read_inside(folder: Path, name: str) -> bytes:
    """Read a file that must lie below the folder, also after links are followed."""
    pure = PurePosixPath(name)
    try:
        path = (folder / pure).resolve()
        inside = not pure.is_absolute() and path.is_relative_to(folder.resolve())
        if not inside or not path.is_file() or path.stat().st_size > MAX_FILE:
            raise DataError(f"{name[:200]}: not a file of at most {MAX_FILE >> 20} MiB inside the folder")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{name[:200]!r}: cannot be opened") from error


def _from_lines(path: Path, report: Report) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    with open_file(path, error=DataError) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                entry = json.loads(line)
                name = entry.pop("file_name")
                if not isinstance(name, str):
                    raise TypeError
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                report.leave_out(f"{path.name}:{number}", "wrong line", "not an object with a file_name")
                continue
            captions = captions_in(entry)
            rest = {field: value for field, value in entry.items() if field not in CAPTION_FIELDS}
            yield name, captions, rest


def _from_names(folder: Path, report: Report) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    for path in _pictures(folder):
        text = path.with_suffix(".txt")
        name = path.relative_to(folder).as_posix()
        try:
            lines = _read_inside(folder, text.relative_to(folder).as_posix())[:_MAX_CAPTION].decode()
        except DataError:
            lines = ""
        except UnicodeDecodeError:
            report.leave_out(name, "caption is not UTF-8")
            continue
        yield name, tuple(line.strip() for line in lines.splitlines() if line.strip()), {}


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the one that holds the pictures")


def _pictures(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            yield path
