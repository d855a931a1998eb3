"""Checkpoints that survive a kill at any moment.

The tensors of a step go into files of their own names; then the manifest, which names them with their hashes, is
replaced at once. Whatever the manifest names is whole; files it does not name are leftovers and are removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from limn.io.atomic import sweep, write_text
from limn.io.configurations import parse_json
from limn.io.files import sha256_of
from limn.kernel.errors import WeightsError
from limn.networks.weights import read_tensors, write_tensors

__all__ = ["MANIFEST", "Checkpoint", "load", "save", "truncate_metrics"]

MANIFEST = "checkpoint.json"
_PARTS = ("model", "ema", "optimiser")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A complete state of training.

    Args:
        step: Steps done.
        seconds: Seconds of training done, over all sessions.
        recipe: The recipe's fields.
        tensors: ``model``, ``ema`` and ``optimiser``, each tensors by name.
    """

    step: int
    seconds: float
    recipe: Mapping[str, Any]
    tensors: Mapping[str, Mapping[str, Tensor]]


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the previous one stays until this one is complete.

    Raises:
        StoreError: A file cannot be written.
    """
    files = {}
    for part in _PARTS:
        name = f"{part}-{checkpoint.step:08d}.safetensors"
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
    kept = {entry["name"] for entry in files.values()}
    for part in _PARTS:
        for path in folder.glob(f"{part}-*.safetensors"):
            if path.name not in kept:
                path.unlink(missing_ok=True)


def load(folder: Path) -> Checkpoint | None:
    """Read the checkpoint of a folder, or return ``None`` when there is none yet.

    Raises:
        WeightsError: The manifest or a file it names is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        manifest = parse_json(path, path.read_bytes())
        tensors = {
            part: read_tensors(folder / entry["name"], sha256=entry["sha256"])
            for part, entry in manifest["files"].items()
            if part in _PARTS and Path(entry["name"]).name == entry["name"]
        }
        return Checkpoint(
            step=int(manifest["step"]),
            seconds=float(manifest["seconds"]),
            recipe=dict(manifest["recipe"]),
            tensors={part: tensors[part] for part in _PARTS},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); start in a new folder or restore it") from None


def truncate_metrics(path: Path, step: int) -> None:
    """Keep the lines of a metrics file up to a step, so that a resumed run doubles none."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text("utf-8").splitlines():
        with suppress(ValueError, KeyError, TypeError):
            if json.loads(line)["step"] <= step:
                kept.append(line + "\n")
    write_text(path, "".join(kept))
