"""One door to every layout of pictures with captions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from limn.data.example import Example
from limn.data.folders import read_folder
from limn.data.parquet import read_parquet
from limn.data.report import Report
from limn.data.webdataset import SHARDS, read_shards
from limn.kernel.errors import DataError


def read(source: Path, *, size: int | None = None, report: Report | None = None) -> Iterator[Example]:
    """Read pictures with captions, whatever layout they are in.

    Args:
        source: A Parquet file, a tar shard, or a folder of either, of pictures with text files, or of
            pictures with ``metadata.jsonl``.
        size: Crop and scale to this square; None keeps each picture's size.
        report: Gathers what was left out; a fresh one if None.

    Returns:
        Examples.

    Raises:
        DataError: There is no such file, or too much of it cannot be used.
    """
    if not source.exists():
        raise DataError(f"{source}: no such file or folder; name a folder of pictures, a .parquet or a .tar file")
    inside = [path.name for path in source.iterdir()] if source.is_dir() else [source.name]
    if "metadata.jsonl" not in inside:
        if any(name.endswith(".parquet") for name in inside):
            return read_parquet(source, size=size, report=report)
        if any(name.endswith(SHARDS) for name in inside):
            return read_shards(source, size=size, report=report)
    return read_folder(source, size=size, report=report)
