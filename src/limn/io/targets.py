"""What may be written where: nothing foreign is replaced, no link leads out of a folder, names are plain."""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable
from pathlib import Path

from limn.kernel.errors import InputError, StoreError

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_. +-]{0,98}[A-Za-z0-9_+-])?")
_DEVICES = re.compile(r"(?i:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")  # what Windows takes for devices


def keep_foreign(paths: Iterable[Path], ours: Container[str] = (), *, force: bool = False) -> None:
    """Check that only files are replaced that are ours.

    Args:
        paths: Files that are to be written.
        ours: Names of those that an earlier manifest of ours lists.
        force: Whether foreign files may be replaced too.

    Raises:
        InputError: A file is there that is not ours.
    """
    for path in paths:
        if not force and path.name not in ours and (path.exists() or path.is_symlink()):
            raise InputError(f"{path}: exists and is not limn's to replace; choose another name or add --force")


def check_unlinked(root: Path, path: Path) -> Path:
    """Return a path below a root when none of its parts below the root is a link, which could lead anywhere.

    Raises:
        StoreError: A part is a link.
    """
    below = path.relative_to(root)
    for place in [root / below, *(root / parent for parent in below.parents if parent.name)]:
        if os.path.islink(place):  # noqa: PTH114, which fails for names that cannot be
            raise StoreError(f"{place}: is a link, which limn does not follow here; put the real one in its place")
    return path


def check_name(name: str, field: str) -> str:
    """Return a name if a file or folder may be called so anywhere.

    Raises:
        InputError: It is not of letters, digits, spaces and ``_ . + -``, or is a device's.

    >>> check_name("emoji-2", "name")
    'emoji-2'
    """
    if not _NAME.fullmatch(name) or ".." in name or _DEVICES.fullmatch(name):
        raise InputError(f"{field}: {name[:40]!r} is no plain name; use letters, digits, - and _")
    return name
