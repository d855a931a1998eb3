"""Checking and mending a store's files; nothing is ever deleted but what an interrupted writer left behind."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limn.io.atomic import explained, move_aside, write_json
from limn.io.targets import check_unlinked
from limn.kernel.errors import LimnError, StoreError
from limn.store.info import linked_folders, run_folders
from limn.store.png import read_record
from limn.store.record import SCHEMA, VersionError, key_of, now, picture_size, read_json, read_request
from limn.store.run import lock_run, picture_files, picture_flaw


@dataclass(frozen=True, kw_only=True)
class Damage:
    """A file that is not as it should be.

    Args:
        path: Where it is, or was.
        reason: What is wrong and what was done or is left to do.
        moved: Where it is now, ``None`` when it was left in place or was missing.
    """

    path: Path
    reason: str
    moved: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RepairReport:
    """What a repair found.

    Args:
        runs: Runs looked at.
        pictures: Sound pictures.
        damages: Files that are not as they should be.
        busy: Keys of runs that another process writes, which were left alone.
    """

    runs: int
    pictures: int
    damages: tuple[Damage, ...]
    busy: tuple[str, ...]


def mend(root: Path) -> RepairReport:
    """Check all runs of a store and put damaged files aside.

    Args:
        root: The store's folder.

    Raises:
        StoreError: If a file cannot be moved.
    """
    runs = pictures = 0
    damages = [Damage(path=path, reason="is a link, which limn does not follow") for path in linked_folders(root)]
    busy: list[str] = []
    for folder in run_folders(root):
        runs += 1
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(lock_run(folder, wait=0.0))
            except StoreError:
                busy.append(folder.name)
                continue
            sound, flaws = _mend_run(folder, check_unlinked(root, root / "quarantine" / folder.name))
            pictures += sound
            damages += flaws
    return RepairReport(runs=runs, pictures=pictures, damages=tuple(damages), busy=tuple(busy))


def _mend_run(folder: Path, quarantine: Path) -> tuple[int, list[Damage]]:
    """Return how many sound pictures a run has, and what was wrong."""
    damages: list[Damage] = []
    sound: dict[int, Path] = {}
    size = None
    with contextlib.suppress(LimnError):
        size = picture_size(read_request(folder)["request"])
    for index, paths in picture_files(folder).items():
        for path in paths:
            flaw = picture_flaw(index, path, size) or ("a second picture of its index" if index in sound else "")
            if flaw:
                damages.append(Damage(path=path, reason=flaw, moved=move_aside(path, quarantine)))
            else:
                sound[index] = path
    damages += _mend_request(folder, list(sound.values()), quarantine)
    damages += _mend_record(folder, quarantine)
    return len(sound), damages


def _mend_request(folder: Path, pictures: list[Path], quarantine: Path) -> Iterator[Damage]:
    """Restore a lost request from a picture that carries it."""
    path = folder / "request.json"
    if not path.exists() and not pictures:
        return
    try:
        read_request(folder)
        return
    except VersionError as error:
        yield Damage(path=path, reason=str(error).removeprefix(f"{path}: "))
        return
    except LimnError:
        pass
    moved = move_aside(path, quarantine) if path.exists() else None
    for picture in pictures:
        request = read_record(picture).get("request")
        if isinstance(request, dict) and key_of(request) == folder.name:
            write_json(path, {"schema": SCHEMA, "key": folder.name, "created": now(), "request": request})
            yield Damage(path=path, reason="was lost or damaged; restored from a picture", moved=moved)
            return
    yield Damage(path=path, reason="is lost; the pictures stay, ask for the same again to restore it", moved=moved)


def _mend_record(folder: Path, quarantine: Path) -> Iterator[Damage]:
    """Check the pictures against the hashes noted when the run was finished."""
    path = folder / "record.json"
    if not path.exists():
        return
    try:
        entries: Any = read_json(path).get("pictures")
        noted = {str(entry["file"]): str(entry["sha256"]) for entry in entries}
    except (StoreError, KeyError, TypeError):
        yield Damage(
            path=path, reason="is damaged; draw the run again to write it", moved=move_aside(path, quarantine)
        )
        return
    for name, digest in noted.items():
        picture = folder / Path(name).name
        if not picture.is_file():
            yield Damage(path=picture, reason="is missing; draw the run again to restore it")
            continue
        with explained(picture):
            if hashlib.sha256(picture.read_bytes()).hexdigest() != digest:
                yield Damage(
                    path=picture, reason="differs from the hash in record.json; it was changed or drawn again"
                )
