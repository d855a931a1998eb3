"""The store: run folders named by what was asked, and an index over them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limn.io.atomic import make_folder, move_aside, probe, write_json
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError, LimnError
from limn.store.index import Index
from limn.store.info import RunInfo, linked_folders
from limn.store.png import read_record
from limn.store.record import SCHEMA, VersionError, check_key, key_of, now, read_request
from limn.store.repair import RepairReport, mend
from limn.store.run import Run


class Store:
    """Keeps pictures under the request that made them.

    A run lies in ``<root>/runs/<first two digits>/<key>/``: ``request.json``, its pictures and, once finished,
    ``record.json``. Any number of processes may use one store.

    Args:
        root: The store's folder; made when missing.
        write: Whether something is to be written; otherwise a store that can only be read will do.

    Raises:
        InputError: If the path cannot be a folder.
        StoreError: If nothing can be written there (read-only, full), found out before any picture is drawn.
    """

    def __init__(self, root: Path, *, write: bool = True) -> None:
        self.root = Path(root).expanduser().absolute()
        check_unlinked(self.root, self.root / "runs")
        if write:
            make_folder(self.root / "runs")
            probe(self.root)
        self._index = Index(self.root, write=write)

    def open(self, key: str, request: Mapping[str, Any], *, wait: float = 10.0) -> Run:
        """Return the run of a request, a new one or the one that is there, finished or not.

        Args:
            key: ``Request.key()``.
            request: ``Request.record()``.
            wait: Seconds to wait when another process writes the run.

        Raises:
            InputError: If the key is not the request's.
            StoreError: If the folder cannot be made, another process is at work on it, or a newer limn wrote it.
        """
        folder = self._folder(check_key(key))
        if key_of(request) != key:
            raise InputError(f"key: {key[:12]} is not the SHA-256 of the request; give Request.key() and .record()")
        make_folder(folder)
        run = Run(folder, request, self._quarantine(key), wait=wait)
        if not _is_sound(folder):
            with run:
                if not _is_sound(folder):
                    path = folder / "request.json"
                    if path.exists():
                        move_aside(path, self._quarantine(key))
                    write_json(path, {"schema": SCHEMA, "key": key, "created": now(), "request": dict(request)})
        return run

    def load(self, key: str, *, wait: float = 10.0) -> Run:
        """Return a run that is there, by its whole key.

        Raises:
            InputError: If there is none.
            StoreError: If its request cannot be read.
        """
        folder = self._folder(check_key(key))
        return Run(folder, read_request(folder)["request"], self._quarantine(key), wait=wait)

    def runs(self, *, limit: int | None = None, search: str | None = None) -> list[RunInfo]:
        """Return runs, newest first; damaged ones are listed with their problem.

        Args:
            limit: At most so many.
            search: Words that must all occur in the prompts, the model's name or the key.

        Raises:
            StoreError: If the index cannot be used.
        """
        return self._index.select(limit=limit, search=search)

    def linked(self) -> list[Path]:
        """Return the folders of runs that are passed over, since they are links."""
        return linked_folders(self.root)

    def find(self, prefix: str) -> RunInfo:
        """Return the run with a key or a picture.

        Args:
            prefix: How its key begins, or the path of its folder or of a picture that limn drew.

        Raises:
            InputError: If no run or more than one fits; the message has the nearest.
        """
        text = str(prefix)
        if text.lower().endswith(".png") or os.sep in text:
            path = Path(text).expanduser()
            key = path.name if path.is_dir() else str(read_record(path).get("key"))
            runs = self._index.select(prefix=key) if re.fullmatch("[0-9a-f]{64}", key) else []
            if not runs:
                raise InputError(
                    f"{text}: its run {key[:12]!r} is not in {self.root}; name the store it was drawn into"
                )
            return runs[0]
        runs = self._index.select(prefix=text.lower(), limit=6) if text else []
        if len(runs) == 1:
            return runs[0]
        if runs:
            some = ", ".join(run.key[:12] for run in runs[:5])
            raise InputError(f"run {text[:64]!r}: {'more than one fits'} ({some}); write more digits")
        import difflib

        known = [run.key[: max(len(text), 12)] for run in self._index.select(limit=1000)]
        near = difflib.get_close_matches(text, known, n=1, cutoff=0.0) or known[:1]
        hint = f"the nearest is {near[0]}" if near else "the store is empty"
        raise InputError(f"run {text[:64]!r}: no key begins so; {hint}, `limn runs list` shows all")

    def repair(self) -> RepairReport:
        """Check every file, put damaged ones into ``<root>/quarantine``, and build the index anew.

        Runs that another process writes at this moment are left alone and named in the report.
        """
        report = mend(self.root)
        self._index.rebuild()
        return report

    def _folder(self, key: str) -> Path:
        return check_unlinked(self.root, self.root / "runs" / key[:2] / key)

    def _quarantine(self, key: str) -> Path:
        return check_unlinked(self.root, self.root / "quarantine" / key)


def _is_sound(folder: Path) -> bool:
    try:
        read_request(folder)
    except VersionError:
        raise
    except LimnError:
        return False
    return True
