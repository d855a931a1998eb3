"""Every picture of an audit, by prompt, its models side by side, with what each reader said of it."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from limn.audit.readers.reader import UNREADABLE, Reading
from limn.audit.report.csv_link import csv_link
from limn.audit.report.figures import behind
from limn.audit.report.pictures import Thumbnail, thumbnails
from limn.audit.report.words import element
from limn.audit.rows import Row
from limn.audit.table import Table

MOST = 2000
"""Pictures of one page; more would make it slow to open."""
NAMED = 6  # readings in the alternative text of a picture


class Column(NamedTuple):
    """A field as one reader reads it.

    Args:
        name: The field; with the reader, unless it is the first that reads it and so the one that counts.
        reader: Who reads it.
        field: What is read.
    """

    name: str
    reader: str
    field: str

    def of(self, row: Row) -> tuple[str, str]:
        """Return what was read and how sure the reader was, as text; nothing where it did not look."""
        reading = row.readings.get(self.reader, Reading(values={}))
        if self.field not in reading.values:
            return "", ""
        value, sure = reading.values[self.field], reading.confidence.get(self.field)
        text = UNREADABLE if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        return text.replace("\t", " "), "" if sure is None else f"{sure:.2f}"


def columns(table: Table) -> list[Column]:
    """Return all fields of all readers."""
    pairs = [(reader.name, field) for reader in table.readers for field in reader.fields]
    first = {field: reader for reader, field in reversed(pairs)}
    return [
        Column(field if first[field] == reader else f"{field} ({reader})", reader, field) for reader, field in pairs
    ]


def gallery(table: Table, *, hidden: bool = False) -> str:
    """Return the pictures; what was asked for and not drawn stands there with its reason.

    Args:
        table: All rows; of more than :data:`MOST` pictures the first of each prompt are shown.
        hidden: Whether pictures stay out, and words alone are shown.
    """
    read, once = columns(table), table.once()
    most = MOST // max(len(table.models), 1)
    rows = [row for model in table.models for row in once.of(model=model).rows[:most]]
    drawn = [row for row in rows if row.drawn and not hidden]
    loads = [partial(table.load, row) for row in drawn]
    small = dict(zip(map(id, drawn), thumbnails(loads), strict=True))
    asked: dict[str, dict[str, list[str]]] = {}
    for row in sorted(rows, key=lambda row: row.ask):
        facts = json.dumps({**row.slots, "prompt": row.prompt, "group": row.group}, ensure_ascii=False)
        tiles = asked.setdefault(facts, {model: [] for model in table.models})
        tiles[row.source].append(_tile(row, read, small.get(id(row)), hidden=hidden))
    prompts = (_prompt(facts, tiles) for facts, tiles in asked.items())
    shown = element("div", *prompts, class_="gallery", data_fields="\t".join(column.name for column in read) or None)
    return (
        element("p", html.escape(_note(len(rows), len(once), hidden=hidden)), class_="note")
        + shown
        + _csv(rows, read)
    )


def _note(shown: int, whole: int, *, hidden: bool) -> str:
    """Say what is there and what is not."""
    part = (
        f"The first {shown:,} of {whole:,} pictures"
        if shown < whole
        else f"All {whole:,} pictures that were asked for"
    )
    said = f"{part}, in the order of their seeds; none was chosen. Figures rest on all."
    said += " rows.parquet in the audit's folder has every one." if shown < whole else ""
    return f"{said} They stay in the audit's folder: nobody should see them unasked." if hidden else said


def _prompt(facts: str, tiles: Mapping[str, Sequence[str]]) -> str:
    """Return the pictures of one prompt, a column for each model."""
    named = {name: value for name, value in json.loads(facts).items() if name in ("prompt", "group", "place")}
    lists = [
        element(
            "div",
            element("p", f"{html.escape(model)}: {len(own):,}", class_="model") if len(tiles) > 1 else "",
            element("ul", *own),
            data_model=model,
        )
        for model, own in tiles.items()
    ]
    title = element("h3", behind(named["prompt"], named))
    return element("section", title, *lists, class_="prompt", data_facts=facts)


def _tile(row: Row, read: Sequence[Column], small: Thumbnail | None, *, hidden: bool) -> str:
    """Return one picture with its readings."""
    values, sure = zip(*(column.of(row) for column in read), strict=True) if read else ((), ())
    known = [
        f"{column.name} {value}{f' {score}' if score else ''}"
        for column, value, score in zip(read, values, sure, strict=True)
        if value
    ]
    if not row.drawn:
        inside = element("span", f"not drawn: {html.escape(row.flaw)}", class_="none")
    elif small is not None:
        alt = "; ".join([*known[:NAMED], f"seed {row.seed}"])
        inside = small.element(alt) + element("span", html.escape(" ".join(filter(None, (*values[:1], *sure[:1])))))
    else:
        inside = element("span", html.escape(", ".join(known)) or "not read")
    given = {"data_read": "\t".join(values), "data_sure": "\t".join(sure)} if any(values) else {}
    return element("li", inside, **given, data_seed=row.seed)


def _csv(rows: Sequence[Row], read: Sequence[Column]) -> str:
    """Return every picture of the page as a row of a CSV file."""
    slots = list(dict.fromkeys(name for row in rows for name in row.slots))
    heads = ["model", "prompt", "group", "seed", *slots, "file", "flaw"]
    for column in read:
        heads += [column.name, f"{column.name}: score"]
    lines = (
        [
            row.source, row.prompt, row.group, row.seed, *(row.slots.get(name, "") for name in slots), row.file,
            row.flaw, *(text for column in read for text in column.of(row)),
        ]
        for row in rows
    )  # fmt: skip
    return csv_link("Every picture", heads, lines)
