"""Write files so that a reader never meets half of one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from limn.kernel.errors import DataError

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: the old content or the new one, never a part.

    Args:
        path: Where; its folder is made when missing.
        data: The whole content.

    Raises:
        DataError: The folder cannot be written or is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException as error:
        if temporary:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise DataError(
                f"{path}: cannot be written ({error.strerror}); choose another folder or make room"
            ) from error
        raise
