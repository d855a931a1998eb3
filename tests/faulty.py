"""A file layer that fails: the n-th call that writes meets a full disk, a broken one, no permission, or a crash."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CODES = {"full": errno.ENOSPC, "broken": errno.EIO, "forbidden": errno.EACCES, "read-only": errno.EROFS}
FAULTS = (*CODES, "short", "crash")
WRITING = ("open", "write", "fsync", "replace", "mkdir")


class Crash(BaseException):
    """The process has ended: nothing that would clean up happens any more."""


@contextmanager
def failing(fault: str, number: int) -> Iterator[list[str]]:
    """Let the system call of a number fail, counted from 0; yields the names of the calls made.

    Args:
        fault: One of :data:`FAULTS`; ``short`` writes one byte only, after ``crash`` every call fails.
        number: Which call.
    """
    calls: list[str] = []

    def wrapped(name: str, real: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            if name == "open" and not arguments[1] & (os.O_WRONLY | os.O_RDWR):
                return real(*arguments, **options)
            place = len(calls)
            calls.append(name)
            if fault == "crash" and place >= number:
                raise Crash
            if place == number and fault in CODES:
                raise OSError(CODES[fault], os.strerror(CODES[fault]))
            if place == number and fault == "short" and name == "write":
                return real(arguments[0], arguments[1][:1])
            return None if name == "fsync" else real(*arguments, **options)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITING:
            patch.setattr(os, name, wrapped(name, getattr(os, name)))
        gone = os.unlink
        patch.setattr(
            os, "unlink", lambda *a, **o: _ended() if fault == "crash" and len(calls) > number else gone(*a, **o)
        )
        yield calls


def _ended() -> None:
    raise Crash
