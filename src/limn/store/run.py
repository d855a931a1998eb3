"""A run: one request, its pictures and its record, in one folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import operator
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from limn.io.atomic import explained, move_aside, sweep, write_bytes, write_json
from limn.io.lock import Lock
from limn.kernel.errors import InputError, LimnError
from limn.store.parameters import prompt_of
from limn.store.png import encode_png, read_record, size_of
from limn.store.record import MAX_PICTURES, SCHEMA, environment, now, picture_size, picture_total, read_json

if TYPE_CHECKING:
    import numpy as np

_EMBED = 64 * 1024  # bytes of a request that each picture carries; a longer one stays in the folder only
_NAME = re.compile(r"(\d{4,7})(?:-[a-z0-9-]+)?(?<!-x[2-8])\.png")  # larger copies of pictures end in -x4
_COPY = re.compile(r"(?:-x[2-8])+$")


class Run:
    """One request's folder; made by :meth:`limn.store.Store.open`.

    ``with run:`` keeps other writers out until the block ends; a lone :meth:`save` or :meth:`finish` does so for
    itself. Reading needs no lock. A run object belongs to one thread.

    Args:
        folder: The folder, named by the key.
        request: What is drawn.
        quarantine: Folder where the run's damaged files are put.
        wait: Seconds to wait for another writer.
    """

    def __init__(self, folder: Path, request: Mapping[str, Any], quarantine: Path, *, wait: float = 10.0) -> None:
        self.folder, self.key, self.request = folder, folder.name, dict(request)
        self._quarantine, self._wait = quarantine, wait
        self._size = picture_size(request)
        self._locks = contextlib.ExitStack()  # what leaving the outermost block gives up
        self._depth = 0
        self._files: dict[int, list[Path]] | None = None  # known while the lock is held
        text = json.dumps(self.request, ensure_ascii=True)
        self._carried = {"request": self.request} if len(text) <= _EMBED else {}

    def __enter__(self) -> Run:
        if self._depth == 0:
            with contextlib.ExitStack() as stack:
                stack.enter_context(lock_run(self.folder, wait=self._wait))
                self._files = picture_files(self.folder)
                self._locks = stack.pop_all()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._files = None
            self._locks.close()

    @property
    def record(self) -> dict[str, Any] | None:
        """What :meth:`finish` wrote, ``None`` before."""
        path = self.folder / "record.json"
        return read_json(path) if path.exists() else None

    def done(self) -> set[int]:
        """Return the indices of the finished pictures; each file is read and checked to its last byte."""
        return set(self.pictures())

    def pictures(self) -> dict[int, Path]:
        """Return the finished pictures by index, in order; a damaged or foreign file counts as not drawn."""
        result = {}
        for index, paths in sorted(picture_files(self.folder).items()):
            sound = [path for path in paths if not picture_flaw(index, path, self._size)]
            if sound:
                result[index] = sound[0]
        return result

    def save(
        self,
        index: int,
        pixels: np.ndarray[Any, np.dtype[np.uint8]],
        record: Mapping[str, Any],
        finish: Callable[[bytes], bytes] = bytes,
    ) -> Path:
        """Write one finished picture, whole or not at all.

        Args:
            index: Its place in the request, counted from 0.
            pixels: (height, width, 3), uint8.
            record: JSON-ready data about it (``prompt``, ``seed``, ...); ``schema``, ``key``, ``index`` and, where
                it is short, ``request`` are added.
            finish: What is done to the whole file at last, such as signing it.

        Returns:
            Its file.

        Raises:
            InputError: If the index is not of this request, or the pixels or the record cannot be stored.
            StoreError: If it cannot be written, or another process writes this run.
        """
        index = self._checked(index)
        whole = {**self._carried, **record, "schema": SCHEMA, "key": self.key, "index": index}
        path = self.folder / f"{index:04d}{slug(prompt_of(whole))}.png"
        data = finish(encode_png(pixels, whole))
        with self:
            assert self._files is not None
            for old in self._files.get(index, []):
                if old != path or picture_flaw(index, old, self._size):
                    move_aside(old, self._quarantine)
            write_bytes(path, data)
            self._files[index] = [path]
        return path

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write ``record.json``: what was asked, what drew it, and the hash of every picture.

        Args:
            summary: JSON-ready data that only the caller knows (device class, threads, timings, ...).

        Raises:
            InputError: If the summary is not plain JSON.
            StoreError: If it cannot be written, or another process writes this run.
        """
        with self:
            pictures = self.pictures()
            missing = [index for index in range(picture_total(self.request)) if index not in pictures]
            record = {
                **environment(),
                **summary,
                "schema": SCHEMA,
                "key": self.key,
                "finished": now(),
                "request": self.request,
                "pictures": [_entry(index, path) for index, path in pictures.items()],
                "missing": missing,
            }
            write_json(self.folder / "record.json", record)

    def _checked(self, index: int) -> int:
        total = picture_total(self.request) or MAX_PICTURES
        try:
            whole = operator.index(index)
        except TypeError:
            whole = -1
        if isinstance(index, bool) or not 0 <= whole < total:
            raise InputError(
                f"index: {str(index)[:40]} is not of this run; give a whole number from 0 to {total - 1}"
            )
        return whole


@contextlib.contextmanager
def lock_run(folder: Path, *, wait: float) -> Iterator[None]:
    """Keep other writers out of a run folder, and remove what an interrupted one left.

    Raises:
        StoreError: If another writer is still at work after so many seconds.
    """
    with Lock(folder / ".lock", f"run {folder.name[:12]}", wait=wait):
        sweep(folder)
        yield


def picture_flaw(index: int, path: Path, size: tuple[int, int] | None = None) -> str:
    """Return why a file is not the picture of that index of the run whose folder it is in, empty when it is.

    Args:
        index: Its place in the request.
        path: The file.
        size: Height and width that it must have; any if ``None``.
    """
    try:
        record = read_record(path, whole=True)
    except LimnError as error:
        return str(error).removeprefix(f"{path}: ")
    if (record.get("key"), record.get("index")) != (path.parent.name, index):
        return "belongs to another run or place"
    if size is not None and size_of(path) != size:
        return "its size is not what was asked; it was changed"
    return ""


def picture_files(folder: Path) -> dict[int, list[Path]]:
    """Return the files in a run folder that are named as pictures, by index; their content is not read."""
    files: dict[int, list[Path]] = {}
    with explained(folder):
        for path in sorted(folder.iterdir()):
            name = _NAME.fullmatch(path.name)
            if name:
                files.setdefault(int(name[1]), []).append(path)
    return files


def _entry(index: int, path: Path) -> dict[str, Any]:
    with explained(path):
        data = path.read_bytes()
    return {"index": index, "file": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def slug(text: str) -> str:
    """Return the first words as ``-words-like-this``, of ASCII letters and digits only, never as a larger copy's.

    >>> slug("A red heart, très joli!")
    '-a-red-heart-tres-joli'
    >>> slug("a car, X4")
    '-a-car'
    """
    plain = unicodedata.normalize("NFKD", text[:200]).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))[:48].strip("-")
    return _COPY.sub("", f"-{words}") if words else ""
