"""Rows and readings as columns, for Parquet files and DuckDB."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.audit.readers.reader import Reading, Value
from limn.kernel.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from limn.audit.table import ReaderFacts, Row, SourceFacts

__all__ = ["parquet", "query", "readings_from", "readings_of", "rows_of", "table_from"]

PLAIN = ("key", "source", "prompt", "group", "pair", "file", "sha256", "flaw")
NUMBERS = ("ask", "take", "seed")


def rows_of(rows: Sequence[Row], sources: Sequence[SourceFacts]) -> pa.Table:
    """Return rows as a table, with settings and hashes of what drew each."""
    import pyarrow as pa

    settings = {each.name: json.dumps(each.settings, sort_keys=True) for each in sources}
    hashes = {each.name: json.dumps(each.hashes, sort_keys=True) for each in sources}
    columns: dict[str, Any] = {name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in PLAIN}
    columns |= {name: pa.array([getattr(row, name) for row in rows], pa.int64()) for name in NUMBERS}
    slots = pa.map_(pa.string(), pa.string())
    columns["slots"] = pa.array([list(row.slots.items()) for row in rows], slots)
    columns["settings"] = pa.array([settings.get(row.source, "{}") for row in rows], pa.string())
    columns["hashes"] = pa.array([hashes.get(row.source, "{}") for row in rows], pa.string())
    return pa.table(columns)


def readings_of(reader: ReaderFacts, readings: Iterable[tuple[str, Reading]]) -> pa.Table:
    """Return a reader's readings as a table of one line for each field of each picture.

    Args:
        reader: Who read.
        readings: Keys of pictures and what they show.
    """
    import pyarrow as pa

    lines = [
        (key, name, value, said.confidence.get(name))
        for key, said in readings
        for name, value in said.values.items()
    ]
    count = len(lines)
    return pa.table(
        {
            "key": pa.array([each[0] for each in lines], pa.string()),
            "reader": pa.array([reader.name] * count, pa.string()),
            "version": pa.array([reader.version] * count, pa.string()),
            "threshold": pa.array([reader.threshold] * count, pa.float64()),
            "field": pa.array([each[1] for each in lines], pa.string()),
            "value": pa.array([each[2] if isinstance(each[2], str) else None for each in lines], pa.string()),
            "number": pa.array([_number(each[2]) for each in lines], pa.float64()),
            "confidence": pa.array([each[3] for each in lines], pa.float64()),
        }
    )


def readings_from(lines: pa.Table) -> dict[str, Reading]:
    """Return readings by key; the inverse of :func:`readings_of`."""
    values: dict[str, dict[str, Value]] = {}
    sure: dict[str, dict[str, float]] = {}
    names = ("key", "field", "value", "number", "confidence")
    for key, name, word, number, confidence in zip(*(lines[each].to_pylist() for each in names), strict=True):
        values.setdefault(key, {})[name] = word if word is not None else number
        if confidence is not None:
            sure.setdefault(key, {})[name] = confidence
    return {key: Reading(values=each, confidence=sure.get(key, {})) for key, each in values.items()}


def parquet(table: pa.Table) -> bytes:
    """Return a table as the bytes of a Parquet file."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def table_from(path: Path) -> pa.Table:
    """Read a Parquet file.

    Raises:
        StoreError: If it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(io.BytesIO(path.read_bytes()))
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: is damaged ({error}); remove it and read the pictures again") from None


def query(sql: str, tables: Mapping[str, pa.Table]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Ask DuckDB about tables, without access to files or the network.

    Args:
        sql: A query.
        tables: By the names that the query uses.

    Returns:
        Names of the columns, and rows.
    """
    import duckdb

    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        found = connection.execute(sql)
        return [each[0] for each in found.description or ()], found.fetchall()


def _number(value: Value) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)
