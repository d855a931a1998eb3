"""One writer at a time, across threads and processes."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from pathlib import Path
from types import TracebackType

from limn.io.atomic import NOFOLLOW, explained
from limn.kernel.errors import StoreError

_PAUSE = 0.02  # seconds between two tries


class Lock:
    """A lock that the system holds for the process, so one whose holder died is free at once.

    The file stays after use: removing it would let two processes lock two files of one name.

    Args:
        path: The lock's file, made when missing.
        what: What is locked, for the message.
        wait: Seconds to wait for another holder.
    """

    def __init__(self, path: Path, what: str, *, wait: float = 10.0) -> None:
        self.path, self.what, self.wait = path, what, wait
        self._descriptor: int | None = None

    def __enter__(self) -> Lock:
        with explained(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | NOFOLLOW, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StoreError(f"{self.path}: is not a file; remove it")
            deadline = time.monotonic() + self.wait
            while not self._take(descriptor):
                if time.monotonic() >= deadline:
                    raise StoreError(
                        f"{self.what}: {_holder(descriptor)} is at work on it; wait until it ends or stop it"
                    )
                time.sleep(_PAUSE)
            with contextlib.suppress(OSError):  # the name is only for the message; a full disk must not matter
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, str(os.getpid()).encode())
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def _take(self, descriptor: int) -> bool:
        with explained(self.path):
            return _take(descriptor)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _holder(descriptor: int) -> str:
    with contextlib.suppress(OSError):
        os.lseek(descriptor, 0, os.SEEK_SET)
        number = os.read(descriptor, 20).decode("ascii", "replace")
        if number.isdigit():
            return "this process" if int(number) == os.getpid() else f"process {number}"
    return "another process"


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            os.lseek(descriptor, 1_000_000, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
