"""Rows and readings as columns, for Parquet files and DuckDB."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.audit.readers.reader import Reading, Value
from limn.io.files import read_bounded
from limn.kernel.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from limn.audit.rows import ReaderFacts, Row, SourceFacts

PLAIN = ("key", "source", "prompt", "group", "pair", "file", "sha256", "flaw")
NUMBERS = ("ask", "take", "seed")
MAX_BYTES = 2**31


def rows_of(rows: Sequence[Row], sources: Sequence[SourceFacts]) -> pa.Table:
    """Return rows as a table, with settings and hashes of what drew each."""
    import pyarrow as pa

    facts = {source.name: source for source in sources}
    columns: dict[str, Any] = {name: pa.array([getattr(row, name) for row in rows], pa.string()) for name in PLAIN}
    columns |= {name: pa.array([getattr(row, name) for row in rows], pa.int64()) for name in NUMBERS}
    slots = pa.map_(pa.string(), pa.string())
    columns["slots"] = pa.array([list(row.slots.items()) for row in rows], slots)
    for name in ("settings", "hashes"):
        texts = {source: json.dumps(getattr(known, name), sort_keys=True) for source, known in facts.items()}
        columns[name] = pa.array([texts.get(row.source, "{}") for row in rows], pa.string())
    return pa.table(columns)


def readings_of(reader: ReaderFacts, readings: Iterable[tuple[str, Reading]]) -> pa.Table:
    """Return a reader's readings as a table of one line for each field of each picture.

    Args:
        reader: Who read.
        readings: Keys of pictures and what they show.
    """
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    types = {
        "key": text, "reader": text, "version": text, "threshold": number,
        "weights": text, "field": text, "value": text, "number": number, "confidence": number, "likely": text,
    }  # fmt: skip
    lines = [
        (
            key, reader.name, reader.version, reader.threshold, reader.weights, name,
            value if isinstance(value, str) else None,
            None if value is None or isinstance(value, str) else float(value), reading.confidence.get(name),
            reading.likely.get(name),
        )
        for key, reading in readings
        for name, value in reading.values.items()
    ]  # fmt: skip
    columns = zip(*lines, strict=True) if lines else [()] * len(types)
    return pa.table({name: pa.array(list(column), types[name]) for name, column in zip(types, columns, strict=True)})


def readings_from(lines: pa.Table) -> dict[str, Reading]:
    """Return readings by key; the inverse of :func:`readings_of`."""
    values: dict[str, dict[str, Value]] = {}
    sure: dict[str, dict[str, float]] = {}
    best: dict[str, dict[str, str]] = {}
    names = ("key", "field", "value", "number", "confidence")
    columns = [lines[column].to_pylist() for column in names]
    columns.append(lines["likely"].to_pylist() if "likely" in lines.column_names else [None] * len(lines))
    for key, name, word, number, confidence, likely in zip(*columns, strict=True):
        values.setdefault(key, {})[name] = word if word is not None else number
        if confidence is not None:
            sure.setdefault(key, {})[name] = confidence
        if likely is not None:
            best.setdefault(key, {})[name] = likely
    return {
        key: Reading(values=fields, confidence=sure.get(key, {}), likely=best.get(key, {}))
        for key, fields in values.items()
    }


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
        return pq.read_table(
            io.BytesIO(read_bounded(path, MAX_BYTES, "it is no table of an audit", error=StoreError))
        )
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path}: is damaged ({error}); remove it and read the pictures again") from None


def query(sql: str, tables: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """Ask DuckDB about tables, without access to files or the network.

    Args:
        sql: A query.
        tables: By the names that the query uses.

    Returns:
        Rows by column.
    """
    import duckdb

    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        answer = connection.execute(sql)
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
