"""What every report ends with: what there was to count, who read it, and what drew it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator

from limn.audit.readers.reader import Confusion
from limn.audit.report.words import element
from limn.audit.table import ReaderFacts, Table

__all__ = ["accounts", "readers", "sources"]

LONG = 12  # rows above which a table is folded
WORLDS = ("people", "shapes")  # readers of worlds in which everything that can be drawn is known
EXACT = "It tries all that its world can draw and errs on none of it; what fits nothing is unreadable."
UNKNOWN = "Nobody has counted its errors; shares that it reads carry them uncorrected."


def accounts(table: Table) -> str:
    """Return how many pictures each group asked for, got, and showed something readable."""
    columns = [(reader.name, field) for reader in table.readers for field in reader.fields]
    one = len(table.readers) == 1
    heads = ["", *(["model"] if len(table.models) > 1 else []), "asked", "drawn"]
    heads += [field if one else f"{field} ({reader})" for reader, field in columns]
    rows = [_counted(table.of(group=group, model=model), group, model, columns, len(table.models) > 1)
            for group in table.groups for model in table.models]  # fmt: skip
    whole = _row("all", ["", *_numbers(table, columns)] if len(table.models) > 1 else _numbers(table, columns))
    head = element(
        "tr", *(element("th", html.escape(each), scope="col", class_="n" if each else None) for each in heads)
    )
    made = element("table", element("thead", head), element("tbody", whole, *rows))
    note = "Readable pictures of each field; what cannot be read is counted here and nowhere guessed."
    body = element("div", made, class_="scroll")
    if len(rows) > LONG:
        short = element("table", element("thead", head), element("tbody", whole))
        body = element("div", short, class_="scroll") + element("details", element("summary", "By group"), body)
    return body + element("p", note, class_="note")


def readers(table: Table) -> str:
    """Return each reader with its version, its threshold and how it errs."""
    return "".join(part for reader in table.readers for part in _reader(reader))


def sources(table: Table) -> str:
    """Return hashes, settings and seeds of what drew."""
    parts = []
    for source in table.sources:
        lines = {**{f"hash of {name}": value for name, value in source.hashes.items()}, **source.settings}
        told = "".join(
            element(
                "tr", element("th", html.escape(name), scope="row"), element("td", element("code", _value(value)))
            )
            for name, value in lines.items()
        )
        parts.append(
            element("h3", html.escape(source.name)) + element("div", element("table", told), class_="scroll")
        )
    probe = table.probe
    if probe.asks:
        how = "the same seeds for every prompt" if probe.paired else "no seed used twice"
        parts.append(
            element(
                "p",
                f"{probe.each:,} pictures for each of {len(probe.asks):,} prompts, from seed {probe.seed}; {how}.",
            )
        )
        prompts = "".join(
            element("li", html.escape(each)) for each in dict.fromkeys(ask.prompt for ask in probe.asks)
        )
        parts.append(element("details", element("summary", "The prompts"), element("ul", prompts)))
    return "".join(parts)


def _counted(part: Table, group: str, model: str, columns: list[tuple[str, str]], several: bool) -> str:
    return _row(group or "(no group)", [*([model] if several else []), *_numbers(part, columns)])


def _numbers(part: Table, columns: list[tuple[str, str]]) -> list[str]:
    account = part.account()
    return [
        f"{account.asked:,}",
        f"{account.drawn:,}",
        *(f"{part.account(field, by=reader).readable:,}" for reader, field in columns),
    ]


def _row(name: str, cells: list[str]) -> str:
    return element(
        "tr",
        element("th", html.escape(name), scope="row"),
        *(element("td", html.escape(each), class_="n") for each in cells),
    )


def _reader(reader: ReaderFacts) -> Iterator[str]:
    yield element("h3", html.escape(reader.name))
    fields = "; ".join(f"{name}: {', '.join(values) or 'a number'}" for name, values in reader.fields.items())
    yield element(
        "p",
        html.escape(f"Version {reader.version}, threshold {reader.threshold:g}. It reads {fields}."),
        class_="note",
    )
    if not reader.confusion:
        yield element("p", EXACT if reader.name.partition(":")[0] in WORLDS else UNKNOWN, class_="note")
    for confusion in reader.confusion.values():
        yield _matrix(confusion)


def _matrix(confusion: Confusion) -> str:
    """Return a confusion matrix, each row shaded by its shares."""
    heads = ["", *confusion.values, "unreadable", "pictures"]
    head = element(
        "tr", *(element("th", html.escape(each), scope="col", class_="n" if each else None) for each in heads)
    )
    rows = []
    for k, value in enumerate(confusion.values):
        counts = [int(each) for each in confusion.counts[k]]
        total = sum(counts)
        cells = [_shaded(count, total, right=j == k) for j, count in enumerate(counts)]
        rows.append(
            element("tr", element("th", html.escape(value), scope="row"), *cells, element("td", f"{total:,}"))
        )
    said = f"How it reads {confusion.field}: true value by row, reading by column."
    said += f" Counted on {confusion.source}." if confusion.source else ""
    caption = element("caption", html.escape(said))
    table = element("table", caption, element("thead", head), element("tbody", *rows), class_="matrix")
    body = element("div", table, class_="scroll")
    if len(rows) > LONG:
        return element("details", element("summary", html.escape(f"How it reads {confusion.field}")), body)
    return body


def _shaded(count: int, total: int, *, right: bool) -> str:
    shade = f"background:color-mix(in srgb, var(--hue0) {45 * count / max(total, 1):.0f}%, transparent)"
    return element("td", f"{count:,}", class_="right" if right else None, style=shade)


def _value(value: object) -> str:
    return html.escape(value if isinstance(value, str) else json.dumps(value))
