"""Read any Parquet file with a column of pictures and a column of captions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from limn.data.example import Example
from limn.data.folders import CAPTION_FIELDS, Record, captions_in, examples_of
from limn.data.report import Report
from limn.kernel.errors import DataError, unknown_name

LABELS: Final = ("class", "label", "class_name", "category", "concept")
"""Where the class of a picture stands, in the order of preference."""

_PICTURES: Final = ("image", "picture", "img", "jpg", "png", "webp")


def read_parquet(
    path: Path, *, picture: str = "", caption: str = "", size: int | None = None, report: Report | None = None
) -> Iterator[Example]:
    """Read pictures with captions, a batch of rows at a time.

    A picture is the bytes of a PNG, JPEG or WebP file, or a struct with such ``bytes`` (the Hugging Face
    layout). A path in a struct is not followed. Numbers of classes become their names, where the file has them as
    the ``datasets`` library writes them. Where there is no caption column, the class is the caption.

    Args:
        path: The file, or a folder of ``.parquet`` files.
        picture: Name of the picture column; found by the usual names if empty.
        caption: Name of the caption column (a text or a list of texts); likewise.
        size: Crop and scale to this square; None keeps each picture's size.
        report: Gathers what was left out; a fresh one if None.

    Yields:
        Examples; the other columns become attributes.

    Raises:
        InputError: A named column does not exist.
        DataError: A file is missing or damaged, or too much of it cannot be used.
    """
    report = report if report is not None else Report()
    yield from examples_of(path, _records(path, picture, caption), size=size, report=report)


def _records(path: Path, picture: str, caption: str) -> Iterator[Record]:
    for file in sorted(path.glob("*.parquet")) if path.is_dir() else [path]:
        for number, row in enumerate(_rows(file)):
            column = _column("picture column", picture, _PICTURES, row)
            words = _column("caption column", caption, (*CAPTION_FIELDS, *LABELS), row)
            data = row.pop(column)
            data = data.get("bytes") if isinstance(data, dict) else data
            text = row[words] if words in LABELS else row.pop(words)
            captions = captions_in({"text": str(text) if isinstance(text, int) else text})
            name, split = str(row.pop("key", f"{file.stem}/{number}")), row.pop("split", None)
            attributes = row if split is None else {**row, "split": split}
            yield name, data if isinstance(data, bytes) else None, captions, attributes


def _column(what: str, wanted: str, usual: tuple[str, ...], row: dict[str, Any]) -> str:
    if wanted and wanted not in row:
        raise unknown_name(what, wanted, row)
    column = wanted or next((name for name in usual if name in row), "")
    if not column:
        raise unknown_name(what, "|".join(usual), row)
    return column


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file) as table:
            names = _classes(table.schema_arrow.metadata or {})
            for batch in table.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    yield {column: _named(value, names.get(column, ())) for column, value in row.items()}
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{file}: cannot be read as Parquet ({str(error).splitlines()[0][:80]})") from error


def _named(value: Any, names: Sequence[str]) -> Any:
    return names[value] if isinstance(value, int) and 0 <= value < len(names) else value


def _classes(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Return the names of classes by column, as the ``datasets`` library notes them."""
    with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        features = json.loads(metadata[b"huggingface"])["info"]["features"]
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    return {}
