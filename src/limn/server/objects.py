"""What a drawn thing in three dimensions has beside its picture: a turntable, a mesh, distances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.request import Request
from limn.provenance.seal import Seal
from limn.server import gallery
from limn.store import Store
from limn.store.run import picture_files
from limn.studio.objects import Wanted, walks, write

ENDINGS: Final = {"turntable": ".webp", "mesh": ".glb", "depth": ".depth.png"}
TYPES: Final = {"turntable": "image/webp", "mesh": "model/gltf-binary", "depth": "image/png"}


def wanted(form: Mapping[str, Any], stem: Path = Path("object")) -> Wanted:
    """Return what a form wants beside its pictures.

    Args:
        form: Of a drawing.
        stem: The files' name without an ending.

    Raises:
        InputError: A library is missing.
    """
    named = {name: stem.with_name(stem.name + ENDINGS[name]) for name in ("turntable", "mesh") if form.get(name)}
    return Wanted(depth=bool(form.get("depth")), **named)


def beside(
    generator: Generator, requests: Sequence[Request], store: Store, form: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Write what a form wants beside pictures that were drawn, and give how far it is and what came of it."""
    if not wanted(form):
        return
    written: list[dict[str, Any]] = []
    seal = Seal(sign=bool(form.get("sign", True)))
    for request in requests:
        pictures = picture_files(store.root / "runs" / request.key()[:2] / request.key())
        for event in walks(generator, request, set(pictures), batch=None, max_rows=None):
            if isinstance(event, tuple):
                index, code = event
                files = wanted(form, _stem(store, request.key(), index))
                kinds = write(generator, request, code, files, pictures[index][0], 0, 1, seal)
                written.append({"key": request.key(), "index": index, "kinds": sorted(kinds)})
            yield {}
    yield {"result": {"objects": written}}


def file(store: Store, key: str, index: int, kind: str) -> Path:
    """Return what stands beside a picture.

    Raises:
        InputError: There is no such picture or file.
    """
    picture = gallery.picture(store, key, index)
    stem = picture.with_suffix("") if kind == "depth" else _stem(store, key, index)
    path = check_unlinked(store.root, stem.with_name(stem.name + ENDINGS[kind]))
    if not path.is_file():
        raise InputError(f"{kind}: of picture {index} of run {key[:12]} is not here")
    return path


def _stem(store: Store, key: str, index: int) -> Path:
    return store.root / "objects" / f"{key}-{index}"
