"""Where this person's keys lie: ``LIMN_HOME``, or ``limn`` in the folder for configurations."""

from __future__ import annotations

import os
from pathlib import Path

from limn.io.atomic import explained, make_folder


def home() -> Path:
    """Return the folder, made for its owner alone when missing.

    Raises:
        StoreError: It cannot be made.
    """
    own, usual = os.environ.get("LIMN_HOME"), os.environ.get("XDG_CONFIG_HOME")
    path = Path(own) if own else (Path(usual) if usual else Path.home() / ".config") / "limn"
    if not path.is_dir():
        make_folder(path)
        with explained(path):
            path.chmod(0o700)
    return path
