"""Where a model is: shipped, on the disk, or in the cache of what was pulled."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from limn.kernel.errors import InputError

_REPOSITORY: Final = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*/[\w.-]+)(@(?P<revision>[\w./-]+))?")


def repository(model: str) -> tuple[str, str] | None:
    """Return owner/name and revision (``main`` if none is named) of a name of that form; None for others.

    >>> repository("stabilityai/sdxl-turbo@main"), repository("./models/a")
    (('stabilityai/sdxl-turbo', 'main'), None)
    """
    match = _REPOSITORY.fullmatch(model)
    return (match["name"], match["revision"] or "main") if match else None


def cache() -> Path:
    """Return the folder that huggingface_hub downloads to, as its environment variables say."""
    home = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    return Path(named or Path(home) / "hub").expanduser()


def home_of(name: str) -> Path:
    """Return the folder of a repository in the cache."""
    return cache() / f"models--{name.replace('/', '--')}"


def called(folder: Path) -> str:
    """Return what a model folder is called: in the layout of a cache, as its repository.

    >>> called(Path("hub/models--Tongyi-MAI--Z-Image-Turbo/snapshots/0123abcd"))
    'Z-Image-Turbo'
    """
    folder = Path(folder).resolve()
    home = folder.parent.parent.name if folder.parent.name == "snapshots" else ""
    return home.rpartition("--")[2] or folder.name


def snapshot(folder: Path, revision: str = "") -> Path:
    """Return the files of a repository in the layout of a cache; a folder of another layout is returned as it is.

    Args:
        folder: Perhaps the root of a repository in a cache, with ``refs`` and ``snapshots``.
        revision: A branch, tag or commit; the branch ``main``, or the only one there is, when empty.

    Raises:
        InputError: There is no such revision, or which one is meant is not said.
    """
    commits = sorted(path for path in folder.glob("snapshots/*") if path.is_dir())
    if not commits or (folder / "model_index.json").exists():
        return folder
    reference = folder / "refs" / (revision or "main")
    if ".." not in Path(revision).parts and reference.is_file():
        revision = reference.read_text("utf-8").strip()[:64]
    named = [path for path in commits if revision and path.name.startswith(revision)]
    if not named and len(commits) == 1 and not revision:
        named = commits
    if len(named) != 1:
        known = ", ".join(path.name[:12] for path in commits[:5])
        raise InputError(f"{folder}: has no revision {revision or 'main'!r}; there are {known}")
    return named[0]


def pulled(model: str) -> Path | None:
    """Return the folder of a repository that was pulled, or the one file of weights that is all it holds.

    None where the name is of another form, or nothing is there.

    Raises:
        InputError: Another revision of it was pulled.
    """
    named = repository(model)
    if named is None or not home_of(named[0]).is_dir():
        return None
    files = snapshot(home_of(named[0]), "" if named[1] == "main" else named[1])
    if files == home_of(named[0]):
        return None
    weights = sorted(files.glob("*.safetensors"))
    folder = any((files / name).exists() for name in ("model_index.json", "config.json"))
    return weights[0] if len(weights) == 1 and not folder else files
