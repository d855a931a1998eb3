"""Where a model or an adapter is: shipped, on the disk, or in the cache of what was pulled."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.configurations import read_json
from limn.kernel.errors import InputError

RECORD: Final = "limn.json"
"""What is kept beside a repository's files: by commit, the hash and size of each, and the licence."""

_REPOSITORY: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*/[\w.-]+)(/(?P<inside>[^:|\n]+?))?(@(?P<revision>[\w./-]+))?"
)
_WHOLE: Final = ("adapter_config.json", "model_index.json")
"""Beside these, the files of a folder are one thing."""


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What a name stands for among what was pulled.

    Args:
        name: ``OWNER/NAME``.
        inside: The file or folder in it that is named; empty for all of it.
        folder: Its files; the folder is called as their commit.
    """

    name: str
    inside: str
    folder: Path

    @property
    def commit(self) -> str:
        """Which state of the repository."""
        return self.folder.name

    @property
    def licence(self) -> str:
        """As the repository said when it was pulled."""
        return str(noted(self.name).get(self.commit, {}).get("licence", "not said"))


def repository(model: str) -> tuple[str, str] | None:
    """Return owner/name and revision (``main`` if none is named) of a name of that form; None for others.

    >>> repository("stabilityai/sdxl-turbo@main"), repository("./models/a")
    (('stabilityai/sdxl-turbo', 'main'), None)
    """
    name, inside, revision = in_repository(model) or ("", "", "")
    return (name, revision) if name and not inside else None


def in_repository(name: str) -> tuple[str, str, str] | None:
    """Return owner/name, what is named in it (perhaps nothing), and the revision; None for names of another form.

    >>> in_repository("nerijs/pixel-art-xl/pixel-art-xl.safetensors@main")
    ('nerijs/pixel-art-xl', 'pixel-art-xl.safetensors', 'main')
    """
    match = _REPOSITORY.fullmatch(name)
    if match is None or ".." in re.split("[/@]", name):
        return None
    return match["name"], match["inside"] or "", match["revision"] or "main"


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
    """Return the folder of a repository that was pulled, or the file in it that is named or is all it holds.

    None where the name is of another form, or nothing is there.

    Raises:
        InputError: Another revision of it was pulled.
    """
    known = find(model)
    if known is None or known.inside:
        return known.folder / known.inside if known and (known.folder / known.inside).exists() else None
    weights = sorted(known.folder.glob("*.safetensors"))
    whole = any((known.folder / name).exists() for name in ("model_index.json", "config.json"))
    return weights[0] if len(weights) == 1 and not whole else known.folder


def find(name: str) -> Pulled | None:
    """Return what a name stands for among what was pulled; None for files and folders, and where nothing was.

    Raises:
        InputError: Another revision of it was pulled.
    """
    named = in_repository(name)
    if named is None or Path(name).expanduser().exists() or not home_of(named[0]).is_dir():
        return None
    try:
        folder = snapshot(home_of(named[0]), "" if named[2] == "main" else named[2])
    except InputError as error:
        why = str(error).rpartition(": ")[2]
        raise InputError(f"{name[:200]}: {why}; get it with: limn pull {name[:200]}") from None
    return None if folder == home_of(named[0]) else Pulled(name=named[0], inside=named[1], folder=folder)


def adapter(name: str) -> Path:
    """Return where an adapter is.

    Args:
        name: A file or folder; ``OWNER/NAME`` of what was pulled, or a file or folder in it; perhaps with
            ``@REVISION``.

    Raises:
        InputError: Another revision was pulled, or it holds several and none is named.
    """
    known = find(name)
    if known is None:
        return Path(name).expanduser()
    path = known.folder / known.inside
    if not path.is_dir() or any((path / own).exists() for own in _WHOLE):
        return path
    files = sorted(own.relative_to(known.folder).as_posix() for own in path.rglob("*.safetensors"))
    if len(files) > 1:
        some = ", ".join(files[:6]) + (f" and {len(files) - 6} more" if len(files) > 6 else "")
        raise InputError(f"adapter {name[:200]}: holds {some}; name one of them, as {known.name}/{files[0]}")
    return known.folder / files[0] if files else path


def pinned(name: str) -> str:
    """Return a name that stands for the same adapter whatever is pulled later: its file, at its commit.

    >>> pinned("zorp.safetensors")
    'zorp.safetensors'
    """
    known = find(name)
    if known is None or not (path := adapter(name)).exists():
        return name
    return "/".join([known.name, *path.relative_to(known.folder).parts]) + f"@{known.commit}"


def noted(name: str) -> dict[str, Any]:
    """Return what was noted when a repository was pulled, by commit; nothing where another program got it.

    Raises:
        WeightsError: The notes are damaged.
    """
    path = home_of(name) / RECORD
    return read_json(path, limit=2**26) if path.exists() else {}
