"""Toys from many sides, packed: ``limn data build toys3d`` writes them, training reads them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from limn.data.toys3d.reader import CAMERAS
from limn.data.toys3d.rendering import render
from limn.data.toys3d.toy import Toy, draw
from limn.io.atomic import make_folder, write_bytes, write_json
from limn.io.configurations import read_json
from limn.io.files import read_bounded, sha256_of
from limn.io.targets import keep_foreign
from limn.kernel.errors import DataError, InputError
from limn.scene3d.camera import Camera

Split = Literal["learned", "held_out"]
SPLITS: Final[tuple[Split, ...]] = ("learned", "held_out")
MANIFEST: Final = "manifest.json"
FIXED: Final = len(CAMERAS)
"""The first views of every toy are from :data:`CAMERAS`; the others from anywhere above."""
RECIPE: Final = 1
"""Counts up when the same numbers give other pictures."""
_SHARD = 16


@dataclass(frozen=True, kw_only=True)
class Toys:
    """Toys from many sides.

    Args:
        toys: What they are.
        pictures: (toys, views, side, side, 3).
        masks: How much of each pixel a toy covers, (toys, views, side, side).
        depths: Distances along rays, 0 for none, (toys, views, side, side).
        cameras: Azimuth and elevation, (toys, views, 2).
    """

    toys: Sequence[Toy]
    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    depths: NDArray[np.float16]
    cameras: NDArray[np.float32]

    def camera(self, toy: int, view: int) -> Camera:
        """Return the camera of a view."""
        azimuth, elevation = (float(value) for value in self.cameras[toy, view])
        return Camera(azimuth=azimuth, elevation=elevation)


def build(
    out: Path, *, toys: int = 1200, held_out: int = 96, views: int = 12, size: int = 64, force: bool = False
) -> Iterator[tuple[int, int]]:
    """Draw and pack toys; what is built already is left alone.

    Args:
        out: The folder to write in.
        toys: How many to learn from.
        held_out: How many of pairs of kind and colour that are not learned from.
        views: Views of each, at least five; the first four are from the reader's cameras.
        size: Side of the pictures, a multiple of 32 pixels.
        force: Whether files that no earlier build's manifest names may be replaced.

    Yields:
        Toys done, and toys in all.

    Raises:
        InputError: A number is out of range, or a foreign file is in the way.
        StoreError: The folder cannot be written.
    """
    if not 32 <= size <= 256 or size % 32:
        raise InputError(f"size is {size}; choose a multiple of 32 up to 256 pixels")
    if views <= FIXED or min(toys, held_out) < 1:
        raise InputError(f"toys3d: {views} views of {toys} toys; give more than {FIXED} views and at least one toy")
    plan = [
        (f"{split}-{start // _SHARD:04d}", split, list(range(start, min(start + _SHARD, count))))
        for split, count in zip(SPLITS, (toys, held_out), strict=True)
        for start in range(0, count, _SHARD)
    ]
    settings = {"recipe": RECIPE, "views": views, "size": size}
    before = _manifest(out) if (out / MANIFEST).exists() else {}
    names = [f"{name}.npz" for name, _, _ in plan]
    keep_foreign([out / name for name in (MANIFEST, *names)], {MANIFEST, *_files(before)}, force=force)
    make_folder(out)
    sets = dict(before.get("sets", {})) if before.get("settings") == settings else {}
    done, total = 0, toys + held_out
    for name, split, places in plan:
        path, entry = out / f"{name}.npz", sets.get(name, {})
        whole = entry.get("pictures") == len(places) * views and path.is_file()
        if not whole or sha256_of(path) != entry.get("sha256"):
            data = _packed([_row(split, place, views, size) for place in places])
            digest = sha256(data).hexdigest()
            sets[name] = {"file": path.name, "pictures": len(places) * views, "sha256": digest}
            # Names the file before it is there, and says that others are to come.
            write_json(out / MANIFEST, {"settings": settings, "sets": sets, "unfinished": True})
            write_bytes(path, data)
        done += len(places)
        yield done, total
    wanted = {name for name, _, _ in plan}
    sets = {name: entry for name, entry in sets.items() if name in wanted}
    write_json(out / MANIFEST, {"settings": settings, "sets": sets})


def load(folder: Path, split: Split = "learned") -> Toys:
    """Read the toys of a split.

    Raises:
        DataError: The folder was not built to its end, or a file of it is missing or damaged.
    """
    manifest = _manifest(folder)
    if manifest.get("unfinished"):
        raise DataError(f"{folder}: its build was interrupted; run limn data build toys3d --out {folder}")
    parts: dict[str, list[Any]] = {"toys": [], "pictures": [], "masks": [], "depths": [], "cameras": []}
    for name, entry in sorted(manifest.get("sets", {}).items()):
        if not name.startswith(f"{split}-"):
            continue
        path = folder / f"{name}.npz"
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            raise DataError(f"{path}: is missing or differs from the manifest; run limn data build toys3d again")
        with np.load(io.BytesIO(read_bounded(path, 2**30, "build it again")), allow_pickle=False) as arrays:
            for key in parts:
                parts[key].append(arrays[key])
    if not parts["toys"]:
        raise DataError(f"{folder}: holds no toys to be {split}; run limn data build toys3d --out {folder}")
    texts = [text for part in parts.pop("toys") for text in json.loads(part.tobytes())]
    toys = [Toy(**{**fields, "sizes": tuple(fields["sizes"])}) for fields in texts]
    return Toys(toys=toys, **{key: np.concatenate(values) for key, values in parts.items()})


def _row(split: Split, place: int, views: int, size: int) -> tuple[Toy, list[Camera], list[Any]]:
    """Draw one toy; its numbers follow from its split and place alone."""
    rng = np.random.default_rng([RECIPE, SPLITS.index(split), place])
    toy = draw(rng, split)
    free = [
        Camera(azimuth=float(rng.uniform(0, 360)), elevation=float(rng.uniform(-5, 55)))
        for _ in range(views - FIXED)
    ]
    cameras = [*CAMERAS, *free]
    return toy, cameras, [render(toy, camera, size) for camera in cameras]


def _packed(rows: Sequence[tuple[Toy, list[Camera], list[Any]]]) -> bytes:
    texts = json.dumps([asdict(toy) for toy, _, _ in rows]).encode()
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        toys=np.frombuffer(texts, np.uint8),
        pictures=np.stack([[view.picture for view in views] for _, _, views in rows]),
        masks=np.stack([[view.mask for view in views] for _, _, views in rows]),
        depths=np.stack([[view.depth for view in views] for _, _, views in rows]),
        cameras=np.array([[(c.azimuth, c.elevation) for c in cameras] for _, cameras, _ in rows], np.float32),
    )
    return buffer.getvalue()


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise DataError(f"{folder}: holds no toys; run limn data build toys3d --out {folder}")
    return read_json(path)


def _files(manifest: Mapping[str, Any]) -> set[str]:
    return {str(entry.get("file")) for entry in dict(manifest.get("sets", {})).values()}
