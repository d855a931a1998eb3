"""The real world of pictures with words: emoji in several styles, packed as Parquet."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.data.captions import captions_of
from limn.data.catalogue import Concept, read_catalogue
from limn.data.colours import colours_of
from limn.data.packages import EMOJIBASE, attribution, fetch
from limn.data.picture_set import COLUMNS, MANIFEST, noted, pixels
from limn.data.sets import SETS
from limn.data.split import STYLES, split_of
from limn.io.atomic import make_folder, write_bytes
from limn.io.files import sha256_of
from limn.io.targets import keep_foreign
from limn.kernel.errors import DataError, InputError, unknown_name

RECIPE: Final = 3
"""Counts up when the same packages give other pictures, captions or splits; older sets are built anew."""
CREDITS: Final = "ATTRIBUTION.md"
MOST_LOST: Final = 0.05

Entry = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a build is.

    Args:
        stage: What is being done, such as ``3d``.
        done: Pictures finished of this stage.
        total: Pictures of this stage; 0 while unknown.
        note: What a person should know, such as why a set failed.
    """

    stage: str
    done: int
    total: int
    note: str = ""


def build(
    out: Path,
    *,
    sets: Sequence[str] = STYLES,
    size: int = 64,
    tarballs: Path | None = None,
    force: bool = False,
) -> Iterator[Progress]:
    """Fetch, draw, caption and pack the sets; a finished set is left alone, a failed one is reported.

    Args:
        out: The folder to write ``<set>.parquet``, ``manifest.json`` and ``ATTRIBUTION.md`` in.
        sets: Which of :data:`limn.data.sets.SETS`.
        size: Side of the pictures, 16 to 256 pixels.
        tarballs: A folder with the packages' tarballs; without it they are fetched with npm.
        force: Whether files that no earlier build's manifest names may be replaced.

    Yields:
        Progress, once every hundred pictures and at the end of each set.

    Raises:
        InputError: A set is unknown, the size out of range, or a foreign file is in the way.
        DataError: The metadata package cannot be had, or no set could be built.
        StoreError: The folder cannot be written.
    """
    for name in sets:
        if name not in SETS:
            raise unknown_name("set", name, SETS)
    if not 16 <= size <= 256:
        raise InputError(f"size is {size}; choose 16 to 256 pixels")
    before = noted(out)
    manifest = {name: entry for name, entry in (before or {}).items() if name in SETS}
    ours = set() if before is None else {MANIFEST, CREDITS, *(f"{name}.parquet" for name in manifest)}
    written = [out / name for name in (MANIFEST, CREDITS, *(f"{name}.parquet" for name in sets))]
    keep_foreign(written, ours, force=force)
    make_folder(out)
    write_bytes(out / MANIFEST, _as_json(manifest))  # a folder that cannot be written is found out first
    yield Progress(stage=EMOJIBASE.name, done=0, total=1)
    concepts = read_catalogue(fetch(EMOJIBASE, out / "packages", tarballs=tarballs))
    for name in sets:
        path = out / f"{name}.parquet"
        if _finished(path, size, manifest.get(name, {})):
            count = manifest[name]["pictures"]
            yield Progress(stage=name, done=count, total=count, note="already built")
            continue
        manifest[name] = {"error": "was interrupted"}
        write_bytes(out / MANIFEST, _as_json(manifest))  # before the set's file is there, the manifest names it
        try:
            manifest[name] = yield from _build_set(name, path, size, concepts, tarballs)
        except DataError as error:
            manifest[name] = {"error": str(error)}
            yield Progress(stage=name, done=0, total=0, note=f"failed: {error}")
        built = [SETS[style].package for style in SETS if "sha256" in manifest.get(style, {})]
        write_bytes(out / CREDITS, attribution(built).encode())
        write_bytes(out / MANIFEST, _as_json(manifest))
    if all("error" in manifest[name] for name in sets):
        raise DataError(f"{out}: no set could be built; {manifest[sets[0]]['error']}")


def _build_set(
    name: str, path: Path, size: int, concepts: Mapping[str, Concept], tarballs: Path | None
) -> Generator[Progress, None, Entry]:
    package = SETS[name].package
    yield Progress(stage=name, done=0, total=0, note=f"reading {package.name} {package.version}")
    tar = fetch(package, path.parent / "packages", tarballs=tarballs)
    pictures = {concepts[code]: draw for code, draw in SETS[name].pictures(tar, concepts)}
    rows: dict[bytes, Entry] = {}  # by picture: of equal ones the first is kept
    lost, repeats = [], []
    for done, concept in enumerate(sorted(pictures, key=_order), 1):
        try:
            png = pictures[concept](size)
        except DataError as error:
            lost.append(f"{concept.code}: {error}")
            continue
        if png in rows:
            repeats.append(f"{concept.code}: drawn as {rows[png]['codepoint']}")
        else:
            rows[png] = _row(name, concept, png)
        if done % 100 == 0:
            yield Progress(stage=name, done=done, total=len(pictures))
    if not rows or len(lost) > MOST_LOST * len(pictures):
        raise DataError(f"{package.name}: {len(lost)} of {len(pictures)} pictures cannot be drawn, as {lost[:1]}")
    entry = _write_set(path, list(rows.values()))
    yield Progress(stage=name, done=len(pictures), total=len(pictures))
    origin = {"package": package.name, "version": package.version, "licence": package.licence}
    return {**entry, **origin, "recipe": RECIPE, "size": size, "lost": lost, "repeats": repeats}


def _order(concept: Concept) -> tuple[bool, str]:
    """Neutral people come first, so that of equal pictures the one that claims no gender is kept."""
    return concept.gender in ("woman", "man"), concept.code


def _row(style: str, concept: Concept, png: bytes) -> Entry:
    key = f"{style}/{concept.code}"
    colours = colours_of(pixels(png))
    return {
        "key": key,
        "style": style,
        "codepoint": concept.code,
        "label": concept.label,
        "tags": list(concept.tags),
        "group": concept.group,
        "subgroup": concept.subgroup,
        "profession": concept.profession,
        "gender": concept.gender,
        "tone": concept.tone,
        "colours": list(colours),
        "captions": list(captions_of(key, concept, style, colours)),
        "split": split_of(concept.base, style, version=concept.version, cell=concept.cell),
        "picture": png,
    }


def _write_set(path: Path, rows: Sequence[Entry]) -> Entry:
    import pyarrow as pa
    from pyarrow import parquet

    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink, compression="zstd")
    data = sink.getvalue()
    write_bytes(path, data)
    splits = dict(sorted(Counter(columns["split"]).items()))
    return {"pictures": len(rows), "splits": splits, "sha256": hashlib.sha256(data).hexdigest()}


def _finished(path: Path, size: int, entry: Mapping[str, Any]) -> bool:
    if not path.is_file() or (entry.get("recipe"), entry.get("size")) != (RECIPE, size):
        return False
    return sha256_of(path) == entry.get("sha256")


def _as_json(manifest: Mapping[str, Entry]) -> bytes:
    return json.dumps({"recipe": RECIPE, "sets": manifest}, indent=1, sort_keys=True).encode()
