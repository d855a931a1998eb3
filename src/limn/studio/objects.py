"""What a picture of a thing in three dimensions has beside it: a turntable, a mesh, distances."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limn.codecs.scenes import Scenes
from limn.io.atomic import make_folder, write_bytes
from limn.io.files import read_bounded
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Progress
from limn.kernel.request import Request
from limn.provenance.seal import Seal
from limn.scene3d.mesh import libraries, mesh
from limn.scene3d.triplane import signed
from limn.store import read_record
from limn.store.copies import packet
from limn.store.parameters import prompt_of
from limn.train.sheet import pixels

FRAMES = 24
"""Pictures of a turntable."""
UNIT = 1000
"""Grey levels of a distance of 1; the cube that holds an object has sides of 2."""
_MARK = b'"limn"'
_MAX = 2**28


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is written beside pictures.

    Args:
        turntable: An animated WebP of the object from all sides.
        mesh: A binary glTF file.
        depth: Whether a PNG of 16 bits with distances stands beside each picture.

    Raises:
        InputError: A name has another ending.
    """

    turntable: Path | None = None
    mesh: Path | None = None
    depth: bool = False

    def __post_init__(self) -> None:
        for name, path, ending in (("turntable", self.turntable, ".webp"), ("mesh", self.mesh, ".glb")):
            if path is not None and path.suffix.lower() != ending:
                raise InputError(f"{name}: {path.name[:60]} must end in {ending}; give such a name")
        if self.mesh is not None:
            libraries()

    def __bool__(self) -> bool:
        return self.depth or self.turntable is not None or self.mesh is not None

    def check(self, generator: Generator, count: int) -> None:
        """Refuse what cannot be written, before anything is drawn.

        Raises:
            InputError: The model draws flat pictures, or a file is there that limn did not write.
        """
        if self and not isinstance(generator.stages[-1].codec, Scenes):
            raise InputError(
                f"turntable, mesh, depth: {generator.name} draws flat pictures; give a model of objects (toys3d)"
            )
        for path in filter(None, (self.turntable, self.mesh)):
            for target in (numbered(path, place, count) for place in range(count)):
                if target.exists() and _MARK not in read_bounded(
                    target, _MAX, "give another name", error=InputError
                ):
                    raise InputError(f"{target}: exists and is not limn's to replace; give another name")


def numbered(path: Path, place: int, count: int) -> Path:
    """Return where the file of one of several pictures goes.

    >>> numbered(Path("chair.glb"), 2, 3).name, numbered(Path("chair.glb"), 0, 1).name
    ('chair-2.glb', 'chair.glb')
    """
    return path if count == 1 else path.with_name(f"{path.stem}-{place}{path.suffix}")


def codes(
    generator: Generator, request: Request, only: Collection[int], *, batch: int | None, max_rows: int | None
) -> Mapping[int, Tensor]:
    """Return the codes of the objects of pictures, by index: what the walk that drew them ended in."""
    events = walks(generator, request, only, batch=batch, max_rows=max_rows)
    return dict(event for event in events if isinstance(event, tuple))


def walks(
    generator: Generator, request: Request, only: Collection[int], *, batch: int | None, max_rows: int | None
) -> Iterator[Progress | tuple[int, Tensor]]:
    """Give the steps of the walks that drew pictures, and the codes that they ended in, each with its index."""
    last: Progress | None = None
    for event in generator.draw(request, only=only, batch=batch, max_rows=max_rows):
        if isinstance(event, Progress):
            last = event
            yield event
        elif last is not None:
            yield event.item.index, last.state.x[last.batch.index(event.item.index)]


def write(
    generator: Generator,
    request: Request,
    code: Tensor,
    wanted: Wanted,
    picture: Path,
    place: int,
    count: int,
    seal: Seal | None = None,
) -> dict[str, Path]:
    """Write what is wanted beside a picture, and return the files by what they are.

    Args:
        generator: A model of things in three dimensions.
        request: What was drawn.
        code: Of the object.
        wanted: What is written.
        picture: The picture's file.
        place: Which of all pictures it is, for files that the person named.
        count: Pictures in all.
        seal: How a turntable and distances are signed; not at all if None.

    Raises:
        InputError: The object has no surface.
        StoreError: A file cannot be written.
    """
    scenes = generator.looking(request)[-1].codec
    assert isinstance(scenes, Scenes)
    files: dict[str, Path] = {}
    about = {"limn": {"picture": picture.name, "key": request.key()}}
    with torch.no_grad():
        if wanted.depth:
            files["depth"] = picture.with_name(f"{picture.stem}.depth.png")
            far = distances(scenes, code)
            write_bytes(files["depth"], far if seal is None else seal.signed(far))
        if wanted.turntable is not None:
            files["turntable"] = numbered(wanted.turntable, place, count)
            make_folder(files["turntable"].parent)
            record = read_record(picture)
            own = {"prompt": {"text": prompt_of(record)}, "seed": record.get("seed")}
            turning = turntable(scenes, code, {**about, **own, "request": {"model": request.model}})
            write_bytes(files["turntable"], turning if seal is None else seal.signed(turning, "WEBP"))
        if wanted.mesh is not None:
            planes = scenes.triplane.planes(scenes.triplane.raw(code[None]))
            files["mesh"] = numbered(wanted.mesh, place, count)
            make_folder(files["mesh"].parent)
            write_bytes(files["mesh"], mesh(scenes.triplane, planes[0], about=about["limn"]))
    return files


def distances(scenes: Scenes, code: Tensor) -> bytes:
    """Return a PNG of 16 bits: :data:`UNIT` grey levels for a distance of 1 along the ray, 0 for nothing."""
    depth = scenes.depth(code[None])[0].cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray((depth * UNIT).round().clip(0, 65535).astype(np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


def turntable(scenes: Scenes, code: Tensor, about: Mapping[str, Any], frames: int = FRAMES) -> bytes:
    """Return an animated WebP of an object that turns once around in two seconds, for ever."""
    seen = replace(scenes, views=frames).seen(code[None])
    images = [Image.fromarray(pixels(signed(one.colour))[0]) for one in seen]
    buffer = io.BytesIO()
    images[0].save(
        buffer, "WEBP", save_all=True, append_images=images[1:], duration=2000 // frames, loop=0,
        quality=90, xmp=packet(about),
    )  # fmt: skip
    return buffer.getvalue()
