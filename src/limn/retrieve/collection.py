"""A collection of captioned pictures on the disk, to be looked up by words or by meaning.

It is one SQLite file: words are ranked by its own BM25 (FTS5), meaning by the product with each picture's embedding,
exactly. A row is written whole or not at all, so that a build that was stopped goes on where it was.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limn.data.example import Example
from limn.data.folders import count, read_folder
from limn.data.report import Report
from limn.io.atomic import make_folder
from limn.io.files import sha256_of
from limn.io.pictures import colours
from limn.kernel.errors import DataError
from limn.kernel.prompt import Neighbour
from limn.networks.dual_encoder import DualEncoder
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors
from limn.text.pictures import shrunk

FILE: Final = "collection.sqlite"
JUDGE: Final = "judge_a"
"""Whose embeddings say what a picture means; the judge that scores is another one."""

_MARK = 0x6C696D6E  # "limn", in the file's header
_TOGETHER = 64
_SCHEMA = """
create table rows (
    id integer primary key, source text, name text, caption text, image blob, vector blob, unique (source, name)
);
create virtual table words using fts5(caption, content='rows', content_rowid='id', tokenize='porter unicode61');
create table facts (name text primary key, value text);
"""


@dataclass(frozen=True, kw_only=True)
class Built:
    """How far a build is.

    Args:
        rows: Rows of the collection now.
        kept: How many of them it had before.
        read: Pictures of the folder that were gone through.
        total: Pictures of the folder.
    """

    rows: int
    kept: int
    read: int
    total: int


def build(folder: Path, out: Path, *, report: Report | None = None) -> Iterator[Built]:
    """Read a folder of captioned pictures into a collection; rows of this folder that it has already stay.

    Args:
        folder: Pictures with ``metadata.jsonl`` or a text file beside each (:mod:`limn.data.folders`).
        out: The collection's folder; made when missing.
        report: Gathers what was left out; a fresh one if None.

    Yields:
        How far it is.

    Raises:
        DataError: The folder has no such pictures, or ``out`` holds something else.
    """
    report, source = Report() if report is None else report, str(folder.resolve())
    total = count(folder)
    if not total:
        report.finish(folder)  # before anything is made
    known = _names(out, source) if (out / FILE).is_file() else set()
    for rows, kept in add(read_folder(folder, report=report, skip=known), out, source=source):
        yield Built(rows=rows, kept=kept, read=report.good + report.bad, total=total)


def add(examples: Iterable[Example], out: Path, *, source: str = "") -> Iterator[tuple[int, int]]:
    """Add examples that a collection does not have yet, by where they come from and their keys.

    Yields:
        Rows of the collection, and how many it had before.
    """
    make_folder(out)
    with torch.random.fork_rng(devices=[]):
        judge = DualEncoder.load(JUDGE)
    with _opened(out, write=True) as base:
        known = {name for (name,) in base.execute("select name from rows where source = ?", (source,))}
        (kept,) = base.execute("select count(*) from rows").fetchone()
        rows, batch = kept, list[tuple[str, str, bytes]]()
        for example in examples:
            if example.key not in known:
                known.add(example.key)
                batch.append((example.key, ". ".join(example.captions), shrunk(Image.fromarray(example.picture))))
            if len(batch) == _TOGETHER:
                rows += _write(base, judge, source, batch)
                batch = []
                yield rows, kept
        if batch:
            rows += _write(base, judge, source, batch)
        yield rows, kept


def _names(folder: Path, source: str) -> set[str]:
    with _opened(folder) as base:
        return {name for (name,) in base.execute("select name from rows where source = ?", (source,))}


class Collection:
    """A collection that is looked up.

    Args:
        folder: What :func:`build` wrote.

    Raises:
        DataError: There is none, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with _opened(folder) as base:
            self.count = int(base.execute("select count(*) from rows").fetchone()[0])
        if not self.count:
            raise DataError(f"{folder}: the collection is empty; build it again with limn index")

    @property
    def sha256(self) -> str:
        """Hash of its file."""
        return sha256_of(self.folder / FILE)

    def by_words(self, text: str, most: int) -> list[Neighbour]:
        """Return the pictures whose captions fit words best by BM25 (k1 1.2, b 0.75), ties in order of entry."""
        words = re.findall(r"\w+", text.lower())
        if not words:
            return []
        query = " OR ".join(f'"{word}"' for word in dict.fromkeys(words))
        with _opened(self.folder) as base:
            rows = base.execute(
                "select rows.name, rows.caption, rows.image, -bm25(words) "
                "from words join rows on rows.id = words.rowid "
                "where words match ? order by bm25(words), rows.id limit ?",
                (query, most),
            ).fetchall()
        return [_neighbour(*row) for row in rows]

    def by_meaning(self, vector: NDArray[np.float32], most: int) -> list[Neighbour]:
        """Return the pictures whose embeddings are nearest to a unit vector, by their cosine."""
        rows, table = self._vectors
        scores = table @ vector
        best = np.argsort(-scores, kind="stable")[:most].tolist()
        query = "select name, caption, image from rows where id = ?"
        with _opened(self.folder) as base:
            found = [(*base.execute(query, (rows[place],)).fetchone(), float(scores[place])) for place in best]
        return [_neighbour(*row) for row in found]

    @cached_property
    def _vectors(self) -> tuple[list[int], NDArray[np.float32]]:
        """The numbers of all rows, and their embeddings."""
        with _opened(self.folder) as base:
            rows = base.execute("select id, vector from rows order by id").fetchall()
        table = np.frombuffer(b"".join(row[1] for row in rows), np.float16).reshape(len(rows), -1)
        return [row[0] for row in rows], table.astype(np.float32)


def meaning(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return what texts mean, as unit vectors in the space of :data:`JUDGE`'s pictures."""
    with torch.random.fork_rng(devices=[]):
        judge = DualEncoder.load(JUDGE)
    with torch.inference_mode():
        vectors: NDArray[np.float32] = judge.read(TokenVectors(), texts).numpy()
    return vectors


def _neighbour(name: str, caption: str, image: bytes, score: float) -> Neighbour:
    return Neighbour(name=name, caption=caption, image=image, score=round(float(score), 4))


def _write(
    base: sqlite3.Connection, judge: DualEncoder, source: str, batch: Sequence[tuple[str, str, bytes]]
) -> int:
    side = judge.config.size
    states = torch.from_numpy(np.stack([colours(image, side, side) for *_, image in batch]))
    with torch.inference_mode():
        vectors: Tensor = judge.images(states)
    with base:
        for (name, caption, image), vector in zip(batch, vectors.numpy().astype(np.float16), strict=True):
            row = base.execute(
                "insert into rows(source, name, caption, image, vector) values (?, ?, ?, ?, ?)",
                (source, name, caption, image, vector.tobytes()),
            ).lastrowid
            base.execute("insert into words(rowid, caption) values (?, ?)", (row, caption))
    return len(batch)


@contextmanager
def _opened(folder: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a collection's file; one that is new gets its tables."""
    path = folder / FILE
    if not write and not path.is_file():
        raise DataError(f"{folder}: is no collection; make one with: limn index FOLDER --out {folder}")
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode={'rwc' if write else 'ro'}", uri=True)
        ) as base:
            base.execute("pragma trusted_schema = off")
            (mark,) = base.execute("pragma application_id").fetchone()
            if mark == 0 and write and not base.execute("select count(*) from sqlite_master").fetchone()[0]:
                with base:
                    base.executescript(_SCHEMA)
                    base.execute(f"pragma application_id = {_MARK}")
                    judge = sha256_of(DualEncoder.locate(JUDGE) / WEIGHTS)
                    base.execute("insert into facts values ('judge', ?)", (judge,))
            elif mark != _MARK:
                raise DataError(f"{path}: is no collection of limn's; name another folder")
            yield base
    except sqlite3.DatabaseError as error:
        raise DataError(f"{path}: cannot be read or written ({error}); build it anew in another folder") from None
