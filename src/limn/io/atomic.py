"""Files that are either whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from limn.kernel.errors import InputError, LimnError, StoreError

NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)

WRITING = threading.Lock()
"""Held while a file is written; who takes it for good may end the process without leaving a part of one."""

_TEMPORARY = re.compile(r"\.limn-[0-9a-f]+\.tmp")
_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than the system allows; raise the limit or choose another folder",
    errno.EROFS: "the disk is read-only; choose another folder",
    errno.EACCES: "no permission; change it or choose another folder",
    errno.EPERM: "no permission; change it or choose another folder",
    errno.ELOOP: "is a link, which limn does not follow here; remove it",
}


def write_bytes(path: Path, data: bytes | Iterable[Any], *, lasting: bool = True) -> None:
    """Write a file so that a crash or a full disk leaves the old file or the new one, never a part.

    Args:
        path: Where; an existing file or link is replaced, what a link leads to is left alone.
        data: The whole content, or pieces of it in order: bytes, or arrays of bytes.
        lasting: Whether to wait until the disk has it. Without, a killed process still leaves whole files, but one
            written just before the power fails may be damaged; for files that are checked before they are trusted.

    Raises:
        InputError: If the path names something that is not a file.
        StoreError: If it cannot be written; nothing is left behind.
    """
    with explained(path):
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: is not a file; choose another name")
        temporary = _temporary(path.parent)
        with WRITING:
            try:
                _write_through(temporary, [data] if isinstance(data, bytes) else data, os.O_EXCL, lasting=lasting)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        if lasting:
            _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8 with :func:`write_bytes`."""
    write_bytes(path, text.encode())


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write readable JSON with :func:`write_bytes`.

    Raises:
        InputError: If the data is not plain JSON.
    """
    try:
        text = json.dumps(data, indent=2, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name}: cannot be written as JSON ({error}); give plain values") from None
    write_bytes(path, text.encode() + b"\n")


def make_folder(path: Path) -> None:
    """Make a folder and those above it, to last even if the machine stops now.

    Raises:
        InputError: If a file is in the way.
        StoreError: If it cannot be made.
    """
    with explained(path):
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            _sync_folder(path.parent)


def probe(folder: Path) -> None:
    """Find out whether a folder can be written to, by doing so.

    Raises:
        StoreError: If it cannot (read-only, full).
    """
    path = _temporary(folder)
    with explained(folder), WRITING:
        try:
            _write_through(path, [b"\0" * 4096], os.O_EXCL)
        finally:
            path.unlink(missing_ok=True)


def append_text(path: Path, text: str) -> None:
    """Add text at the end of a file, which is made when missing; a link is not followed.

    Raises:
        StoreError: It cannot be written.
    """
    with explained(path), WRITING:
        _write_through(path, [text.encode()], os.O_APPEND | NOFOLLOW, lasting=False)


def sweep(folder: Path) -> int:
    """Remove what interrupted writers left in a folder that nobody else writes to now; return how many."""
    left = [path for path in folder.glob(".limn-*.tmp") if _TEMPORARY.fullmatch(path.name) and not path.is_dir()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


def move_aside(path: Path, folder: Path) -> Path:
    """Move a file into a folder under a name that is free there, and return where it is now."""
    make_folder(folder)
    place, count = folder / path.name, 1
    while place.exists() or place.is_symlink():
        count += 1
        place = folder / f"{path.stem}-{count}{path.suffix}"
    with explained(path):
        path.replace(place)
    return place


def explain(error: OSError | ValueError, path: Path) -> LimnError:
    """Turn a system error about a path into one that a person can act on."""
    if not isinstance(error, OSError):
        return InputError(f"{str(path)!r}: not a possible file name ({error}); choose another one")
    code = error.errno or 0
    if code in (errno.ENOTDIR, errno.EEXIST):
        return InputError(f"{path}: is not a folder, or lies below a file; choose another folder")
    if code == errno.ENOENT:
        return InputError(f"{path}: does not exist; check the name")
    if code == errno.ENAMETOOLONG:
        return InputError(f"...{str(path)[-60:]}: the name is too long; choose a shorter one")
    return StoreError(f"{path}: {_REMEDIES.get(code, f'{error.strerror}; check the disk or choose another folder')}")


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn system errors inside the block into :func:`explain`'s."""
    try:
        yield
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        if "null" not in str(error) and not isinstance(error, UnicodeError):
            raise
        raise explain(error, path) from error


def _temporary(folder: Path) -> Path:
    return folder / f".limn-{os.urandom(8).hex()}.tmp"


def _write_through(path: Path, pieces: Iterable[Any], flag: int, *, lasting: bool = True) -> None:
    """Write and, if it is to last, wait until the disk has it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | flag | getattr(os, "O_BINARY", 0), 0o666)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        if lasting:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a rename last, where folders can be synced at all."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EINVAL, errno.ENOTSUP, errno.EPERM):
            raise
