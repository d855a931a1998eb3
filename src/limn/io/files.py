"""Files from outside: regular ones only, hashed once."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import time
from functools import lru_cache
from io import BufferedReader
from pathlib import Path

from limn.kernel.errors import LimnError, WeightsError

MAX_TEXT = 2**26

_SETTLED = 2 * 10**9  # nanoseconds without a change, from which a file's times tell it from a later one


def open_file(path: Path, *, error: type[LimnError] = WeightsError) -> BufferedReader:
    """Open a regular file; a pipe or device, which could block or never end, is refused.

    Args:
        path: The file.
        error: What is raised.

    Raises:
        LimnError: As ``error``: it is missing, cannot be read or is not a regular file.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
            raise error(f"{path}: not a regular file; name a file")
        return Path(path).open("rb")
    except FileNotFoundError:
        raise error(f"{path}: no such file; check the path or get the file again") from None
    except (OSError, ValueError) as reason:
        if isinstance(reason, OSError) and reason.errno == errno.ENAMETOOLONG:
            raise error(f"...{str(path)[-60:]}: the name is too long; check the path") from None
        raise error(f"{path}: cannot be opened ({first_line(reason)}); check the path") from None


def read_bounded(path: Path, limit: int, remedy: str, *, error: type[LimnError] = WeightsError) -> bytes:
    """Read a whole file that may have at most ``limit`` bytes.

    Raises:
        LimnError: As ``error``: as :func:`open_file`, or it is larger; ``remedy`` says what to do then.
    """
    with open_file(path, error=error) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise error(f"{path}: larger than {limit:,} bytes; {remedy}")
    return data


def open_text(path: Path, *, error: type[LimnError] = WeightsError) -> io.StringIO:
    """Read a text file of at most :data:`MAX_TEXT` bytes for :mod:`csv`; a mark of UTF-8 is left out.

    Raises:
        LimnError: As ``error``: as :func:`read_bounded`.
        UnicodeDecodeError: It is not UTF-8.
    """
    return io.StringIO(read_bounded(path, MAX_TEXT, "split it", error=error).decode("utf-8-sig"), newline="")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits; a file that did not change is read once.

    Raises:
        WeightsError: the file is missing or not a regular file.
    """
    with open_file(path) as file:
        facts = os.fstat(file.fileno())
    identity = (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
    settled = time.time_ns() - max(facts.st_mtime_ns, facts.st_ctime_ns) > _SETTLED
    return (_digest if settled else _digest.__wrapped__)(path, identity)


@lru_cache(maxsize=256)
def _digest(path: Path, identity: tuple[int, ...]) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
