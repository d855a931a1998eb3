"""The index's schema and the steps that lead to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from limn.kernel.errors import StoreError

# Step k leads from version k to k + 1. The index holds nothing that the files do not, so a step may empty it.
STEPS: tuple[Sequence[str], ...] = (
    (
        "DROP TABLE IF EXISTS runs",
        """CREATE TABLE runs (
            key TEXT PRIMARY KEY,
            stamp INTEGER NOT NULL,
            created TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            words TEXT NOT NULL,
            total INTEGER NOT NULL,
            drawn INTEGER NOT NULL,
            finished INTEGER NOT NULL,
            problem TEXT NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        "DROP TABLE IF EXISTS runs",
        """CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            stamp INTEGER NOT NULL,
            created TEXT NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            words TEXT NOT NULL,
            total INTEGER NOT NULL,
            drawn INTEGER NOT NULL,
            finished INTEGER NOT NULL,
            problem TEXT NOT NULL
        )""",
        # Three letters at a time: pieces of words are found, in scripts without spaces too.
        """CREATE VIRTUAL TABLE texts USING fts5(
            words, content = 'runs', content_rowid = 'id', tokenize = 'trigram case_sensitive 1'
        )""",
        """CREATE TRIGGER runs_added AFTER INSERT ON runs BEGIN
            INSERT INTO texts (rowid, words) VALUES (new.id, new.words);
        END""",
        """CREATE TRIGGER runs_gone AFTER DELETE ON runs BEGIN
            INSERT INTO texts (texts, rowid, words) VALUES ('delete', old.id, old.words);
        END""",
    ),
)


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """Bring an index to the newest schema; a step that fails leaves the version before it.

    Args:
        connection: In autocommit mode (``isolation_level=None``).
        path: The index, for messages.
        steps: Statements of each step.

    Returns:
        The version it had.

    Raises:
        StoreError: If the index is of a newer schema.
    """
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found > len(steps):
        raise StoreError(
            f"{path}: schema {found} was written by a newer limn, this one reads up to {len(steps)}; update limn"
        )
    for version in range(found, len(steps)):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in steps[version]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return found
