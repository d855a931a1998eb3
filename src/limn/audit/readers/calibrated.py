"""A reader whose errors are counted on pictures that people labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from limn.audit.readers.reader import Confusion, Pictures, Reading, Value, Wrapped, read_checked
from limn.audit.reference.own import lines
from limn.kernel.errors import InputError

AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class Calibrated(Wrapped):
    """Another reader, with a confusion matrix from a table of labelled pictures, by which shares are corrected.

    The pictures should be drawn as those of the audit are, chosen by chance, some of every value. What most people
    say of one is its truth, a tie is none.

    Args:
        labels: A CSV file: ``file``, and what people say in columns ``FIELD`` or ``FIELD:LABELLER``, in the reader's
            words; ``?`` is "cannot tell", empty is not labelled. Tables of ``--pictures`` will do.
        images: The folder of its files; its own if empty.
    """

    labels: str
    images: str = ""

    @property
    def name(self) -> str:
        """Of the reader within: it reads the same."""
        return self.reader.name

    @cached_property
    def confusion(self) -> Mapping[str, Confusion]:
        """Counted on the labelled pictures."""
        from limn.audit.labels import picture

        truths = self._truths()
        paths = list(dict.fromkeys(path for path, _ in truths))
        readings: dict[Path, Reading] = {}
        for start in range(0, len(paths), AT_ONCE):
            chunk = paths[start : start + AT_ONCE]
            readings |= zip(chunk, read_checked(self.reader, [picture(path) for path in chunk]), strict=True)
        counted = {}
        for field in dict.fromkeys(field for _, field in truths):
            known = [
                (truth, readings[path].values[field]) for (path, name), truth in truths.items() if name == field
            ]
            source = f"{len(known)} pictures of {Path(self.labels).name} that people labelled"
            true, read = zip(*known, strict=True)
            counted[field] = Confusion.of(field, self.fields[field], true, read, source)
        return {**self.reader.confusion, **counted}

    def rehearse(self) -> None:
        """Rehearse the reader within, and count its errors, so that what is wrong with the labels is told first."""
        super().rehearse()
        _ = self.confusion

    def read(self, pictures: Pictures) -> list[Reading]:
        """Read as the reader within does."""
        return self.reader.read(pictures)

    def _truths(self) -> dict[tuple[Path, str], str]:
        """Return what most people say of each field of each picture."""
        from limn.audit.labels import PLAIN, SLOTS, agreed, label

        table, fields = Path(self.labels), {name: values for name, values in self.fields.items() if values}
        labels: dict[tuple[Path, str], list[Value]] = {}
        for number, line in lines(table, ("file",), None):
            path = Path(self.images or table.parent) / line["file"]
            for column, cell in line.items():
                field = column.partition(":")[0].strip()
                if column in (*PLAIN, *SLOTS):
                    continue
                if field not in fields:
                    raise InputError(f"{table}: {self.name} does not read {field}; it reads {', '.join(fields)}")
                if cell and label(cell) is not None and cell not in fields[field]:
                    words = ", ".join(fields[field])
                    raise InputError(f"{table}, line {number}: {field} {cell[:40]!r}; the reader says {words}")
                if cell:
                    labels.setdefault((path, field), []).append(label(cell))
            if not path.is_file():
                raise InputError(f"{table}, line {number}: there is no {path}; give the folder with --images")
        truths = {place: str(truth) for place, given in labels.items() if (truth := agreed(given)) is not None}
        if not truths:
            raise InputError(
                f"{table}: labels nothing that {self.name} reads; add a column {next(iter(fields), 'FIELD')}"
            )
        return truths
