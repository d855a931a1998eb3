"""Checkpoints that survive a kill at any moment.

The tensors of a step go into files of their own names; then the manifest, which names them with their hashes, is
replaced at once. Whatever the manifest names is whole. Before a file is written, a ledger names it: what the ledger
names and the manifest does not is a leftover and is removed; what neither names is somebody else's and stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from limn.io.atomic import sweep, write_json, write_text
from limn.io.configurations import MAX_CONFIG, parse_json, read_json
from limn.io.files import read_bounded, sha256_of
from limn.io.targets import keep_foreign
from limn.kernel.errors import LimnError, WeightsError
from limn.networks.weights import read_tensors, write_tensors

MANIFEST = "checkpoint.json"
LEDGER = "files.json"
_PARTS = ("model", "ema", "optimiser")
_FURTHER = ("powers",)  # where a recipe asks for them
_STATE = re.compile(rf"(?:{'|'.join((*_PARTS, *_FURTHER))})-\d{{8,12}}(?:-\d{{1,4}})?\.safetensors")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A complete state of training.

    Args:
        step: Steps done.
        seconds: Seconds of training done, over all sessions.
        recipe: The recipe's fields.
        tensors: ``model``, ``ema``, ``optimiser`` and, where there are some, ``powers``, each tensors by name.
    """

    step: int
    seconds: float
    recipe: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]


def claim(folder: Path, written: Iterable[Path], *, force: bool = False) -> None:
    """Make a folder ours to train in.

    Args:
        folder: The folder.
        written: Files that training writes there besides its checkpoints.
        force: Whether they may be replaced if they are foreign.

    Raises:
        InputError: The folder is not ours yet, and a file is in the way.
    """
    if not any((folder / name).exists() for name in (MANIFEST, LEDGER)):
        keep_foreign([folder / LEDGER, *written], force=force)
        write_json(folder / LEDGER, {"files": []})


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the previous one stays until this one is complete.

    Raises:
        StoreError: A file cannot be written.
    """
    ours, files = _ours(folder), {}
    names = {part: _free(folder, f"{part}-{checkpoint.step:08d}", ours) for part in checkpoint.tensors}
    write_json(folder / LEDGER, {"files": sorted(ours.union(names.values()))})
    for part, name in names.items():
        write_tensors(folder / name, checkpoint.tensors[part])
        files[part] = {"name": name, "sha256": sha256_of(folder / name)}
    manifest = {
        "format": 1,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "recipe": checkpoint.recipe,
        "files": files,
    }
    write_text(folder / MANIFEST, json.dumps(manifest, indent=1))
    sweep(folder)
    for name in ours.difference(names.values()):
        (folder / name).unlink(missing_ok=True)
    write_json(folder / LEDGER, {"files": sorted(names.values())})


def _ours(folder: Path) -> set[str]:
    """Return the names of the tensors that the ledger or the manifest lists."""
    names: set[str] = set()
    with suppress(LimnError, KeyError, TypeError, AttributeError):
        names.update(read_json(folder / LEDGER)["files"])
    with suppress(LimnError, KeyError, TypeError, AttributeError):
        names.update(entry["name"] for entry in read_json(folder / MANIFEST)["files"].values())
    return {name for name in names if _STATE.fullmatch(str(name))}


def _free(folder: Path, stem: str, ours: Container[str]) -> str:
    """Return a name that is ours or free."""
    name, count = f"{stem}.safetensors", 1
    while name not in ours and ((folder / name).exists() or (folder / name).is_symlink()):
        count += 1
        name = f"{stem}-{count}.safetensors"
    return name


def load(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder, or return ``None`` when there is none yet.

    Raises:
        WeightsError: The manifest or a file it names is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = parse_json(path, read_bounded(path, MAX_CONFIG, "start in a new folder or restore it"))
        tensors = {
            part: read_tensors(folder / entry["name"], sha256=entry["sha256"])
            for part, entry in manifest["files"].items()
            if part in (*_PARTS, *_FURTHER) and Path(entry["name"]).name == entry["name"]
        }
        return Checkpoint(
            step=int(manifest["step"]),
            seconds=float(manifest["seconds"]),
            recipe=dict(manifest["recipe"]),
            tensors={part: tensors[part] for part in (*_PARTS, *(part for part in _FURTHER if part in tensors))},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); start in a new folder or restore it") from None


def truncate_metrics(path: Path, step: int) -> bool:
    """Keep the lines of a metrics file up to a step, so that a resumed run doubles none.

    Returns:
        Whether there is a line of the sheet of this very step.
    """
    if not path.exists():
        return False
    kept, drawn = [], False
    for line in path.read_text("utf-8").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            row = json.loads(line)
            if row["step"] <= step:
                kept.append(line + "\n")
                drawn = drawn or (row["step"] == step and "scores" in row)
    write_text(path, "".join(kept))
    return drawn
