"""Every picture a row: what was asked, what drew it, and what each reader says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.audit.probe import Probe
from limn.audit.readers.reader import Reading, Value
from limn.audit.rows import ReaderFacts, Row, SourceFacts
from limn.kernel.errors import InputError, unknown_name


@dataclass(frozen=True, kw_only=True)
class Account:
    """How many pictures were asked for, drawn and readable; readable + unreadable = drawn."""

    asked: int
    drawn: int
    readable: int

    @property
    def unreadable(self) -> int:
        """Pictures that were drawn and could not be read."""
        return self.drawn - self.readable


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """The rows of an audit, or some of them.

    Args:
        probe: What was asked.
        rows: In the order of the probe, one model after another; pictures that could not be drawn have rows too.
        sources: What drew them.
        readers: What read them.
        load: Returns a row's picture, uint8 (height, width, 3).
    """

    probe: Probe
    rows: tuple[Row, ...]
    sources: tuple[SourceFacts, ...] = ()
    readers: tuple[ReaderFacts, ...] = ()
    load: Callable[[Row], NDArray[np.uint8]] = field(default=lambda row: _no_picture(row))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def models(self) -> list[str]:
        """Names of what drew the pictures, the one in question first."""
        return [source.name for source in self.sources]

    @property
    def groups(self) -> list[str]:
        """Groups in the order of the probe, those of these rows only."""
        return list(dict.fromkeys(row.group for row in self.rows))

    def of(
        self,
        *,
        model: str | None = None,
        group: str | None = None,
        **slots: str,
    ) -> Table:
        """Return the rows of one model or group, or with these slots; as a table."""

        def fits(row: Row) -> bool:
            return (
                model in (None, row.source)
                and group in (None, row.group)
                and all(row.slots.get(name) == value for name, value in slots.items())
            )

        return replace(self, rows=tuple(row for row in self.rows if fits(row)))

    def once(self) -> Table:
        """Return every picture once: equal words and seeds of one model give the same picture, not a second one."""
        rows = {(row.source, row.key): row for row in reversed(self.rows)}
        return self if len(rows) == len(self.rows) else replace(self, rows=tuple(reversed(rows.values())))

    def distinct(self, slot: str) -> list[str]:
        """Return the values of a slot in order of first appearance, those of these rows only."""
        return list(dict.fromkeys(row.slots[slot] for row in self.rows))

    def reader(self, name: str, *, by: str | None = None) -> ReaderFacts:
        """Return the reader of a field: the one named, or the first that reads it.

        Raises:
            InputError: If none does.
        """
        known = {reader.name: reader for reader in self.readers}
        if by is not None and by not in known:
            raise unknown_name("reader of this audit", by, known)
        for reader in known.values() if by is None else [known[by]]:
            if name in reader.fields:
                return reader
        raise nobody_reads(name)

    def has(self, reader: str, name: str) -> bool:
        """Return whether a reader of this name reads a field."""
        return any(facts.name == reader and name in facts.fields for facts in self.readers)

    def at(self, reader: str, threshold: float) -> Table:
        """Return what the table would be, had a reader decided at another threshold; nothing is read again.

        Its confusion matrix, which was counted at the old one, is gone.

        Raises:
            InputError: If there is no such reader, or it keeps no scores to decide by.
        """
        known = {facts.name: facts for facts in self.readers}
        if reader not in known:
            raise unknown_name("reader of this audit", reader, known)
        facts, fields = known[reader], set(known[reader].scored)
        if not fields or not 0 <= threshold <= 1:
            why = f"threshold {threshold} is not from 0 to 1" if fields else "decides by no scores, or kept none"
            raise InputError(f"{reader}: {why}; name another, or read again (limn audit read)")
        rows = [
            replace(row, readings={**row.readings, reader: row.readings[reader].at(threshold, fields, facts.below)})
            if reader in row.readings
            else row
            for row in self.rows
        ]
        decided = replace(facts, threshold=threshold, confusion={})
        readers = tuple(decided if one is facts else one for one in self.readers)
        return replace(self, rows=tuple(rows), readers=readers)

    def values(self, name: str, *, by: str | None = None) -> list[Value]:
        """Return a field's value of every row; None where it was not drawn or could not be read.

        Args:
            name: The field.
            by: The reader; the first that reads the field if None.
        """
        reader = self.reader(name, by=by).name
        empty = Reading(values={})
        return [row.readings.get(reader, empty).values.get(name) for row in self.rows]

    def counts(self, name: str, *, by: str | None = None) -> dict[str, int]:
        """Return how many readable pictures show each value of a field, zeros included."""
        counts = dict.fromkeys(self.reader(name, by=by).fields[name], 0)
        for value in self.values(name, by=by):
            if value is not None:
                counts[str(value)] = counts.get(str(value), 0) + 1
        return counts

    def account(self, name: str | None = None, *, by: str | None = None) -> Account:
        """Return how many pictures were asked for, drawn, and readable in a field (in no field if None)."""
        drawn = sum(row.drawn for row in self.rows)
        readable = drawn if name is None else sum(value is not None for value in self.values(name, by=by))
        return Account(asked=len(self.rows), drawn=drawn, readable=readable)

    def shares(self, name: str) -> dict[str, float]:
        """Return the share of each value of a field among readable pictures, as read; empty where nothing was."""
        counts = self.counts(name)
        total = sum(counts.values())
        return {value: k / total for value, k in counts.items()} if total else {}

    def pictures(self, most: int | None = None) -> list[NDArray[np.uint8]]:
        """Return the pictures that were drawn, or the first of them, in the order of the rows."""
        return [self.load(row) for row in islice((row for row in self.rows if row.drawn), most)]

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Ask DuckDB about ``rows`` and ``readings``; the columns are those of the audit's Parquet files.

        Args:
            query: For example ``SELECT "group", value, count(*) FROM rows JOIN readings USING (key) GROUP BY ALL``.
        """
        import pyarrow as pa

        from limn.audit import parquet

        readings = [parquet.readings_of(ReaderFacts(name=""), ())]
        for reader in self.readers:
            own = {row.key: row.readings[reader.name] for row in self.rows if reader.name in row.readings}
            readings.append(parquet.readings_of(reader, own.items()))
        tables = {"rows": parquet.rows_of(self.rows, self.sources), "readings": pa.concat_tables(readings)}
        return parquet.query(query, tables)

    def paired(self, first: str, second: str, *, by: str = "group") -> list[tuple[Row, Row]]:
        """Return rows of two groups (or models: ``by="source"``) with the same pair, model, take and seed.

        Args:
            first: One group.
            second: The other.
            by: Which column differs: "group" or "source".
        """
        other = "source" if by == "group" else "group"

        def place(row: Row) -> tuple[Any, ...]:
            within = (row.pair,) if by == "group" else (row.ask,)
            return (*within, getattr(row, other), row.take, row.seed)

        ones: Sequence[Row] = [row for row in self.rows if getattr(row, by) == first and row.drawn]
        twos = {place(row): row for row in self.rows if getattr(row, by) == second and row.drawn}
        return [(row, twos[place(row)]) for row in ones if place(row) in twos]


def join(first: Table, second: Table, *, name: str) -> Table:
    """Return the rows of two audits of the same probe as one table, so that they are compared on one page.

    Args:
        first: The audit in question.
        second: What it is compared with.
        name: Added to the second's models where both have a model of one name.

    Raises:
        InputError: If they asked for different things, or no reader read both.
    """
    if first.probe.asks != second.probe.asks:
        raise InputError(f"{name}: was asked other prompts; compare audits of one study with the same options")
    both = [reader for reader in first.readers if reader.name in {other.name for other in second.readers}]
    if first.readers and not both:
        raise InputError(f"{name}: was read by other readers; read both with the same (limn audit read)")
    called = {model: f"{model} ({name})" if model in first.models else model for model in second.models}
    rows = [replace(row, source=called[row.source]) for row in second.rows]
    sources = [replace(source, name=called[source.name]) for source in second.sources]
    theirs = set(called.values())
    return replace(
        first,
        rows=(*first.rows, *rows),
        sources=(*first.sources, *sources),
        readers=tuple(both),
        load=lambda row: second.load(row) if row.source in theirs else first.load(row),
    )


def nobody_reads(name: str) -> InputError:
    """Return the error that a field is read by nobody."""
    return InputError(f"{name}: no reader of this audit reads it; add one with --reader")


def _no_picture(row: Row) -> NDArray[np.uint8]:
    raise InputError(f"{row.key[:12]}: its picture is not here; draw the audit again into a folder")
