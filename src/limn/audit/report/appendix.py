"""What every report ends with: what there was to count, who read it, and what drew it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence

from limn.audit.readers.reader import Confusion
from limn.audit.report.csv_link import csv_link
from limn.audit.report.words import element, fold, grid
from limn.audit.rows import ReaderFacts
from limn.audit.table import Table

LONG = 12  # rows above which a table is folded
WORLDS = ("people", "shapes")  # readers of worlds in which everything that can be drawn is known
EXACT = "It tries all that its world can draw and errs on none of it; what fits nothing is unreadable."
UNKNOWN = "Nobody has counted its errors; shares that it reads carry them uncorrected."
ASSUMED = (
    "Shares are corrected by it, on the assumption that what makes these pictures harder to read than labelled ones "
    "does so for all values alike. Without it, only what stands beside each share is known: what it would be if all "
    "that cannot be read were of the value, or none."
)
COUNTED = "Readable pictures of each field; what cannot be read is counted here and nowhere guessed."


def accounts(table: Table) -> str:
    """Return how many pictures each group asked for, got, and showed something readable."""
    columns = [(reader.name, field) for reader in table.readers for field in reader.fields]
    named = [field if len(table.readers) == 1 else f"{field} ({reader})" for reader, field in columns]
    several = len(table.models) > 1
    heads = ["", *(["model"] if several else []), "asked", "drawn", *named]

    def counts(name: str, part: Table, model: str = "") -> list[str | int]:
        account = part.account()
        readable = (part.account(field, by=reader).readable for reader, field in columns)
        return [name, *([model] if several else []), account.asked, account.drawn, *readable]

    lines = [counts("all", table)] + [
        counts(group or "(no group)", table.of(group=group, model=model), model)
        for group in table.groups
        for model in table.models
    ]
    whole, *rows = (_counted(line) for line in lines)
    label = "Pictures by group"
    body = grid(heads, [whole, *rows], class_="sortable", label=label)
    if len(rows) > LONG:
        body = grid(heads, [whole], label="Pictures") + fold("By group", body)
    body += csv_link(label, heads, lines)
    again = len(table) - len(table.once())
    twice = (
        f" {again:,} rows are the same picture as another (equal words and seed) and count once." if again else ""
    )
    return body + element("p", COUNTED + twice, class_="note")


def _counted(line: Sequence[str | int]) -> str:
    """Return a row of counts below a name."""
    texts = (cell if isinstance(cell, str) else f"{cell:,}" for cell in line[1:])
    cells = (element("td", html.escape(text), class_="n") for text in texts)
    return element("tr", element("th", html.escape(str(line[0])), scope="row"), *cells)


def readers(table: Table) -> str:
    """Return each reader with its version, its threshold and how it errs."""
    return "".join(part for reader in table.readers for part in _reader(reader))


def sources(table: Table) -> str:
    """Return hashes, settings and seeds of what drew."""
    parts = []
    for source in table.sources:
        lines = {**{f"hash of {name}": value for name, value in source.hashes.items()}, **source.settings}
        rows = "".join(
            element(
                "tr", element("th", html.escape(name), scope="row"), element("td", element("code", _value(value)))
            )
            for name, value in lines.items()
        )
        listed = element(
            "div", element("table", rows), class_="scroll", tabindex=0, role="group", aria_label=source.name
        )
        parts += [element("h3", html.escape(source.name)), listed]
    probe = table.probe
    if probe.asks:
        shared = probe.total - len({item.seed for item in probe.items()})
        apart = f"{shared:,} seeds are those of another prompt's picture" if shared else "no seed used twice"
        how = "the same seeds for every prompt" if probe.paired else apart
        asked = f"{probe.each:,} pictures for each of {len(probe.asks):,} prompts, from seed {probe.seed}; {how}."
        prompts = (element("li", html.escape(words)) for words in dict.fromkeys(ask.prompt for ask in probe.asks))
        parts += [element("p", asked), fold("The prompts", element("ul", *prompts))]
    return "".join(parts)


def _reader(reader: ReaderFacts) -> Iterator[str]:
    fields = "; ".join(f"{name}: {', '.join(values) or 'a number'}" for name, values in reader.fields.items())
    about = f"Version {reader.version}, threshold {reader.threshold:g}. It reads {fields}."
    yield element("h3", html.escape(reader.name))
    yield element("p", html.escape(about), class_="note")
    if not reader.confusion:
        yield element("p", EXACT if reader.name.partition(":")[0] in WORLDS else UNKNOWN, class_="note")
    for confusion in reader.confusion.values():
        yield _matrix(confusion)
    if reader.confusion:
        yield element("p", ASSUMED, class_="note")


def _matrix(confusion: Confusion) -> str:
    """Return a confusion matrix, each row shaded by its shares."""
    rows = []
    for k, value in enumerate(confusion.values):
        counts = [int(count) for count in confusion.counts[k]]
        total = sum(counts)
        cells = (_shaded(count, total, right=j == k) for j, count in enumerate(counts))
        rows.append(
            element("tr", element("th", html.escape(value), scope="row"), *cells, element("td", f"{total:,}"))
        )
    title = f"How it reads {confusion.field}"
    caption = f"{title}: true value by row, reading by column."
    caption += f" Counted on {confusion.source}." if confusion.source else ""
    heads = ["", *confusion.values, "unreadable", "pictures"]
    body = grid(heads, rows, caption=element("caption", html.escape(caption)), class_="matrix", label=title)
    labelled = ([value, *map(int, row)] for value, row in zip(confusion.values, confusion.counts, strict=True))
    body += csv_link(title, heads[:-1], labelled)
    return fold(html.escape(title), body) if len(rows) > LONG else body


def _shaded(count: int, total: int, *, right: bool) -> str:
    shade = f"s{10 * count / max(total, 1):.0f}"
    return element("td", f"{count:,}", class_=f"{shade} right" if right else shade)


def _value(value: object) -> str:
    return html.escape(value if isinstance(value, str) else json.dumps(value))
