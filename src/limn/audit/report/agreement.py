"""How far those who labelled the pictures of an audit agree."""

from __future__ import annotations

from limn.audit.report.parts import Figure, Figures, Section
from limn.audit.statistics.agreement import krippendorff_alpha
from limn.audit.table import Table

LABELLER = "labeller "
"""How the name of a reader begins that is a person's labels."""

NOTE = "1 is full agreement, 0 what chance gives; what a labeller calls unreadable is a value of its own."


def agreement(table: Table) -> tuple[Section, ...]:
    """Return a section with Krippendorff's alpha of each field that several people labelled; none without these."""
    rows = []
    people = [reader for reader in table.readers if reader.name.startswith(LABELLER)]
    pictures = table.once().rows
    for field in dict.fromkeys(name for reader in people for name in reader.fields):
        names = [reader.name for reader in people if field in reader.fields]
        values = [
            [
                row.readings[name].values[field]
                for name in names
                if name in row.readings and field in row.readings[name].values
            ]
            for row in pictures
        ]
        known = list(dict.fromkeys(value for given in values for value in given))
        if len(names) > 1 and known:
            counts = [[given.count(value) for value in known] for given in values]
            rows.append(Figure.of(f"{field}, {len(names)} labellers", krippendorff_alpha(counts)))
    figures = Figures(
        title="Krippendorff's alpha", rows=tuple(rows), axis="alpha", percent=False, note=NOTE, unit="pictures"
    )
    return (Section(title="Agreement of labellers", parts=(figures,)),) if rows else ()
