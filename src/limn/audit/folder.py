"""An audit's folder: what was asked, the pictures, and what readers said of them; each file whole or not there.

audit.json           study, probe, models with hashes and settings, readers, command
pictures/ab/KEY.png  every picture with the record from which it can be drawn again
pictures/ab/KEY.json what a model answered that declined to draw one
rows.parquet         every picture a row
readings/NAME/       one Parquet file for each stretch of pictures that a reader read
report.html, report.json
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limn.audit import parquet
from limn.audit.probe import Ask, Probe
from limn.audit.readers.reader import Confusion, Reading
from limn.audit.rows import ReaderFacts, Row, SourceFacts
from limn.audit.sources import key_of
from limn.audit.table import Table
from limn.io.atomic import explained, make_folder, sweep, write_bytes, write_json
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError, LimnError, StoreError
from limn.store import read_record
from limn.store.png import encode_png
from limn.store.record import now, read_json

SCHEMA = 1
MISSING = "not drawn yet"
GONE = "was drawn, and its file is gone or damaged"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an audit's folder is about.

    Args:
        study: The study with its options, a record from which it can be built.
        probe: What is asked.
        sources: What draws.
        readers: What has read.
        command: The command that reproduces it.
    """

    probe: Probe
    sources: tuple[SourceFacts, ...]
    readers: tuple[ReaderFacts, ...] = ()
    study: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""


class Folder:
    """Reads and writes an audit's folder.

    Args:
        path: The folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._sound: dict[str, str] = {}  # pictures that were checked or written here, by key

    @property
    def exists(self) -> bool:
        """Whether an audit was begun here."""
        return (self.path / "audit.json").is_file()

    @property
    def written(self) -> list[Path]:
        """Files that an audit writes under names of their own."""
        return [self.path / name for name in ("audit.json", "rows.parquet", "report.html", "report.json")]

    def write(self, plan: Plan) -> None:
        """Write ``audit.json``."""
        make_folder(self.path)
        readers = [
            {
                **asdict(replace(reader, confusion={})),
                "confusion": {name: matrix.plain() for name, matrix in reader.confusion.items()},
            }
            for reader in plan.readers
        ]
        record = {**asdict(replace(plan, readers=())), "readers": readers}
        write_json(self.path / "audit.json", {"schema": SCHEMA, "written": now(), **record})

    def plan(self) -> Plan:
        """Read ``audit.json``.

        Raises:
            InputError: If there is no audit here.
            StoreError: If it is damaged, or was written by a newer limn.
        """
        path = self.path / "audit.json"
        if not self.exists:
            raise InputError(f"{self.path}: no audit is here; name a folder that `limn audit` wrote")
        record = read_json(path)
        if record.get("schema") != SCHEMA:
            raise StoreError(f"{path}: has schema {record.get('schema')}; this version reads schema {SCHEMA}")
        try:
            asks = tuple(Ask(**ask) for ask in record["probe"].pop("asks"))
            return Plan(
                probe=Probe(asks=asks, **record["probe"]),
                sources=tuple(SourceFacts(**source) for source in record["sources"]),
                readers=tuple(_reader(reader) for reader in record["readers"]),
                study=record["study"],
                command=record["command"],
            )
        except (KeyError, TypeError) as error:
            raise StoreError(f"{path}: is damaged ({error}); run the audit again") from None

    def sweep(self) -> None:
        """Remove what interrupted writers left."""
        for folder in (self.path, *(self.path / "pictures").glob("*"), *(self.path / "readings").glob("*")):
            sweep(folder)

    def picture(self, key: str) -> Path:
        """Return where a picture is, or will be."""
        return self.path / "pictures" / key[:2] / f"{key}.png"

    def save(self, key: str, pixels: NDArray[np.uint8], record: Mapping[str, Any]) -> str:
        """Save a picture, and return the SHA-256 of its pixels."""
        digest = hashlib.sha256(pixels.tobytes()).hexdigest()
        path = check_unlinked(self.path, self.picture(key))
        with explained(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, encode_png(pixels, {**record, "audit": {"key": key, "sha256": digest}}), lasting=False)
        self._sound[key] = digest
        return digest

    def refuse(self, key: str, why: str, record: Mapping[str, Any]) -> None:
        """Keep the answer of a model that declined to draw a picture."""
        path = check_unlinked(self.path, self.picture(key).with_suffix(".json"))
        make_folder(path.parent)
        write_json(path, {**record, "audit": {"key": key, "refused": why}})

    def refusal(self, key: str) -> str:
        """Return why a model declined to draw a picture; empty when it did not."""
        path = self.picture(key).with_suffix(".json")
        with contextlib.suppress(LimnError, KeyError, TypeError):
            answer = read_json(path)["audit"] if path.exists() else {}
            return str(answer["refused"]) if answer.get("key") == key else ""
        return ""

    def digest(self, key: str) -> str:
        """Return the SHA-256 of a picture's pixels, empty when there is no sound picture."""
        if key not in self._sound:
            path = self.picture(key)
            with contextlib.suppress(LimnError, KeyError, TypeError):
                record = read_record(path, whole=True)["audit"] if path.exists() else {}
                if record.get("key") == key:
                    self._sound[key] = str(record["sha256"])
        return self._sound.get(key, "")

    def load(self, row: Row) -> NDArray[np.uint8]:
        """Return a row's picture, uint8 (height, width, 3).

        Raises:
            StoreError: If its file is gone or damaged.
        """
        from limn.io.pictures import read_picture

        try:
            return np.asarray(read_picture(self.path / row.file))
        except InputError as error:
            raise StoreError(f"{error}; run the audit again") from None

    def rows(self, plan: Plan, flaws: Mapping[str, str] | None = None) -> tuple[Row, ...]:
        """Return a row for every picture of a plan, from the files that are there.

        Args:
            plan: What was asked.
            flaws: Why pictures could not be drawn, by key.
        """
        known, rows = flaws or {}, []
        for source in plan.sources:
            for item in plan.probe.items():
                ask = plan.probe.asks[item.ask]
                key = key_of(source, ask, item.seed)
                digest = self.digest(key)
                file = str(self.picture(key).relative_to(self.path)) if digest else ""
                flaw = "" if digest else known.get(key) or self.refusal(key) or MISSING
                rows.append(Row.of(source.name, item, ask, key=key, file=file, sha256=digest, flaw=flaw))
        return tuple(rows)

    def write_rows(self, rows: Sequence[Row], sources: Sequence[SourceFacts]) -> None:
        """Write ``rows.parquet``."""
        write_bytes(self.path / "rows.parquet", parquet.parquet(parquet.rows_of(rows, sources)))

    def flaws(self) -> dict[str, str]:
        """Return why pictures could not be drawn, by key, as ``rows.parquet`` says."""
        path = self.path / "rows.parquet"
        if not path.exists():
            return {}
        table = parquet.table_from(path)
        pairs = zip(table["key"].to_pylist(), table["flaw"].to_pylist(), strict=True)
        return {key: flaw for key, flaw in pairs if flaw}

    def readings(self, reader: ReaderFacts) -> dict[str, Reading]:
        """Return what a reader has said, by key of the picture."""
        readings: dict[str, Reading] = {}
        for path in sorted(self._shelf(reader).glob("*.parquet")):
            readings |= parquet.readings_from(parquet.table_from(path))
        return readings

    def add_readings(self, reader: ReaderFacts, readings: Iterable[tuple[str, Reading]]) -> None:
        """Keep what a reader said of some pictures."""
        shelf = check_unlinked(self.path, self._shelf(reader))
        make_folder(shelf)
        place = len(list(shelf.glob("*.parquet")))
        write_bytes(shelf / f"{place:05d}.parquet", parquet.parquet(parquet.readings_of(reader, readings)))

    def table(self) -> Table:
        """Return all that is here, without drawing or reading anything."""
        plan = self.plan()
        readings = {reader.name: self.readings(reader) for reader in plan.readers}
        rows = []
        for row in self.rows(plan, self.flaws()):
            known = {name: shelf[row.key] for name, shelf in readings.items() if row.key in shelf}
            # What was read of a picture that is gone tells of nothing that is here.
            rows.append(
                replace(row, readings=known) if row.drawn else replace(row, flaw=GONE if known else row.flaw)
            )
        return Table(probe=plan.probe, rows=tuple(rows), sources=plan.sources, readers=plan.readers, load=self.load)

    def _shelf(self, reader: ReaderFacts) -> Path:
        """Return the folder of a reader; another version or threshold is another one."""
        what = json.dumps([reader.name, reader.version, reader.threshold])
        plain = re.sub(r"[^a-z0-9]+", "-", reader.name.lower()).strip("-")[:40]
        return self.path / "readings" / f"{plain}-{hashlib.sha256(what.encode()).hexdigest()[:8]}"


def _reader(record: Mapping[str, Any]) -> ReaderFacts:
    confusion = {name: Confusion.read(name, matrix) for name, matrix in record["confusion"].items()}
    fields = {name: tuple(values) for name, values in record["fields"].items()}
    scored = tuple(record.get("scored", ()))
    return ReaderFacts(**{**record, "fields": fields, "confusion": confusion, "scored": scored})
