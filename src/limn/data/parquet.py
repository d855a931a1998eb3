"""Read any Parquet file with a column of pictures and a column of captions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from limn.data.example import Example
from limn.data.folders import CAPTION_FIELDS, Record, captions_in, examples_of
from limn.data.report import Report
from limn.kernel.errors import DataError, unknown_name

_PICTURES: Final = ("image", "picture", "img", "jpg", "png", "webp")


def read_parquet(
    path: Path, *, picture: str = "", caption: str = "", size: int | None = None, report: Report | None = None
) -> Iterator[Example]:
    """Read pictures with captions, a batch of rows at a time.

    A picture is the bytes of a PNG, JPEG or WebP file, or a struct with such ``bytes`` (the Hugging Face
    layout). A path in a struct is not followed.

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
            words = _column("caption column", caption, CAPTION_FIELDS, row)
            data = row.pop(column)
            data = data.get("bytes") if isinstance(data, dict) else data
            captions = captions_in({"text": row.pop(words)})
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
            for batch in table.iter_batches(batch_size=256):
                yield from batch.to_pylist()
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{file}: cannot be read as Parquet ({str(error).splitlines()[0][:80]})") from error
