"""The real world of pictures with words: emoji in four styles, packed as Parquet."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.captions import captions_of
from limn.data.catalogue import Concept, read_catalogue
from limn.data.colours import colours_of
from limn.data.example import Example
from limn.data.files import write_whole
from limn.data.images import composite
from limn.data.packages import EMOJIBASE, Package, fetch
from limn.data.sets import SETS
from limn.data.split import STYLES, split_of
from limn.kernel.errors import DataError, InputError, unknown_name

__all__ = ["SCHEMA", "PictureSet", "Progress", "build", "load"]

SCHEMA: Final = 1
MOST_LOST: Final = 0.05
MANIFEST: Final = "manifest.json"
LICENCES: Final = {
    "Apache-2.0": "https://www.apache.org/licenses/LICENSE-2.0",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "MIT": "https://opensource.org/license/mit",
}
COLUMNS: Final = (
    "key", "style", "codepoint", "label", "tags", "group", "subgroup", "profession", "gender", "tone",
    "colours", "captions", "split", "picture",
)  # fmt: skip


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
    out: Path, *, sets: Sequence[str] = STYLES, size: int = 64, tarballs: Path | None = None
) -> Iterator[Progress]:
    """Fetch, draw, caption and pack the sets; a finished set is left alone, a failed one is reported.

    Args:
        out: The folder to write ``<set>.parquet``, ``manifest.json`` and ``ATTRIBUTION.md`` in.
        sets: Which of ``3d``, ``noto``, ``twemoji`` and ``flat``.
        size: Side of the pictures, 16 to 256 pixels.
        tarballs: A folder with the packages' tarballs; without it they are fetched with npm.

    Yields:
        Progress, about once every hundred pictures and at the end of each set.

    Raises:
        InputError: A set is unknown or the size out of range.
        DataError: The metadata package cannot be had, or no set could be built.
    """
    for name in sets:
        if name not in SETS:
            raise unknown_name("set", name, SETS)
    if not 16 <= size <= 256:
        raise InputError(f"size is {size}; choose 16 to 256 pixels")
    out.mkdir(parents=True, exist_ok=True)
    cache = out / "packages"
    manifest = _read_manifest(out)
    yield Progress(stage=EMOJIBASE.name, done=0, total=1)
    concepts = read_catalogue(fetch(EMOJIBASE, cache, tarballs=tarballs))
    for name in sets:
        package = SETS[name].package
        if _finished(out, name, size, manifest.get(name)):
            count = manifest[name]["pictures"]
            yield Progress(stage=name, done=count, total=count, note="already built")
            continue
        try:
            rows: list[dict[str, Any]] = []
            lost: list[str] = []
            yield Progress(stage=name, done=0, total=0, note=f"reading {package.name} {package.version}")
            tar = fetch(package, cache, tarballs=tarballs)
            pictures = dict(sorted(SETS[name].pictures(tar, concepts), key=lambda pair: _order(concepts[pair[0]])))
            seen: set[bytes] = set()
            for done, (code, draw) in enumerate(pictures.items(), 1):
                try:
                    png = draw(size)
                    if png in seen:
                        lost.append(f"{code}: the same picture as another; left out")
                    else:
                        rows.append(_row(name, concepts[code], png))
                        seen.add(png)
                except DataError as error:
                    lost.append(f"{code}: {error}")
                if done % 100 == 0:
                    yield Progress(stage=name, done=done, total=len(pictures))
            if not rows or len(lost) > MOST_LOST * len(pictures):
                raise DataError(
                    f"{package.name}: {len(lost)} of {len(pictures)} pictures cannot be drawn; {lost[:1]}"
                )
            manifest[name] = _write_set(out / f"{name}.parquet", size, package, rows, lost)
            yield Progress(stage=name, done=len(rows), total=len(rows))
        except DataError as error:
            manifest[name] = {"error": str(error), "package": package.name, "version": package.version}
            yield Progress(stage=name, done=0, total=0, note=f"failed: {error}")
        _write_notes(out, manifest)
    if all("error" in manifest[name] for name in sets):
        raise DataError(f"{out}: no set could be built; {manifest[sets[0]]['error']}")


def _order(concept: Concept) -> tuple[bool, str]:
    """Neutral people come first, so that of equal pictures the one that claims no gender is kept."""
    return concept.gender in ("woman", "man"), concept.code


def _row(style: str, concept: Concept, png: bytes) -> dict[str, Any]:
    key = f"{style}/{concept.code}"
    colours = colours_of(_pixels(png))
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


def _pixels(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        return np.asarray(picture.convert("RGBA"))


def _write_set(
    path: Path, size: int, package: Package, rows: list[dict[str, Any]], lost: list[str]
) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[name] for row in rows] for name in COLUMNS}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="zstd")
    data = sink.getvalue()
    write_whole(path, data)
    return {
        "schema": SCHEMA,
        "size": size,
        "pictures": len(rows),
        "splits": dict(sorted(Counter(columns["split"]).items())),
        "lost": lost,
        "sha256": hashlib.sha256(data).hexdigest(),
        "package": package.name,
        "version": package.version,
    }


def _finished(out: Path, name: str, size: int, entry: Mapping[str, Any] | None) -> bool:
    path = out / f"{name}.parquet"
    if entry is None or not path.is_file() or (entry.get("schema"), entry.get("size")) != (SCHEMA, size):
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == entry.get("sha256")


def _read_manifest(out: Path) -> dict[str, Any]:
    try:
        found = json.loads((out / MANIFEST).read_text("utf-8"))["sets"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_notes(out: Path, manifest: Mapping[str, Any]) -> None:
    text = json.dumps({"schema": SCHEMA, "sets": manifest}, indent=1, sort_keys=True)
    write_whole(out / MANIFEST, text.encode())
    built = [SETS[name].package for name in SETS if "sha256" in manifest.get(name, {})]
    write_whole(out / "ATTRIBUTION.md", attribution(built).encode())


def attribution(packages: Sequence[Package]) -> str:
    """Credit the authors of the pictures and of their descriptions, as Markdown."""
    lines = ["# Attribution", "", "The pictures were rendered to small PNGs; the captions are ours.", ""]
    for package in (*packages, EMOJIBASE):
        part = "labels and tags" if package is EMOJIBASE else "pictures"
        lines.append(
            f"- {part} of {package.name} {package.version}: {package.author}, {package.source}, "
            f"licence {package.licence} ({LICENCES[package.licence]})"
        )
    return "\n".join(lines) + "\n"


class PictureSet(Sequence[Example]):
    """Pictures in memory as one array, with their captions and ground truth.

    Args:
        pictures: ``(count, height, width, 4)`` straight-alpha RGBA, uint8.
        columns: One list a column, as in the Parquet files.
    """

    def __init__(self, pictures: NDArray[np.uint8], columns: Mapping[str, Sequence[Any]]) -> None:
        self.pictures = pictures
        self.columns = columns

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Example:
        row = {name: values[index] for name, values in self.columns.items()}
        key, captions, split = row.pop("key"), row.pop("captions"), row.pop("split")
        return Example(key=key, picture=self.pictures[index], captions=tuple(captions), attributes=row, split=split)

    def on(self, background: tuple[int, int, int] = (255, 255, 255)) -> NDArray[np.uint8]:
        """Lay all pictures over one colour: ``(count, height, width, 3)`` RGB, uint8."""
        return composite(self.pictures, background)

    def where(self, **wanted: str) -> PictureSet:
        """Keep the pictures whose columns have these values, such as ``tone="dark"``."""
        keep = [i for i in range(len(self)) if all(self.columns[name][i] == value for name, value in wanted.items())]
        return PictureSet(
            self.pictures[keep], {name: [values[i] for i in keep] for name, values in self.columns.items()}
        )


def load(folder: Path, splits: Sequence[str] = ("train",), styles: Sequence[str] | None = None) -> PictureSet:
    """Read built pictograms into memory.

    Args:
        folder: What :func:`build` wrote.
        splits: Which of ``train``, ``pair`` and ``cell``.
        styles: Which sets; None reads all that are there.

    Returns:
        The pictures in the order of the styles and of their code points.

    Raises:
        DataError: A file is missing or damaged.
    """
    import pyarrow.parquet as pq

    found = [style for style in styles or STYLES if styles or (folder / f"{style}.parquet").is_file()]
    if not found:
        raise DataError(f"{folder}: holds no pictograms; run: limn data build pictograms")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for style in found:
        path = folder / f"{style}.parquet"
        try:
            table = pq.read_table(path, columns=list(COLUMNS), filters=[("split", "in", list(splits))])
        except Exception as error:
            raise DataError(f"{path}: cannot be read ({str(error)[:80]}); build it again") from error
        for name in COLUMNS:
            columns[name] += table[name].to_pylist()
    packed = columns.pop("picture")
    with ThreadPoolExecutor(2) as pool:
        pictures = list(pool.map(_pixels, packed, chunksize=256))
    return PictureSet(np.stack(pictures) if pictures else np.zeros((0, 64, 64, 4), np.uint8), columns)
