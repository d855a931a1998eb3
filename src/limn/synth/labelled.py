"""Pictures with their classes: any folder, shard or Parquet file of them, or a set that was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from limn.data.example import Example
from limn.data.folders import SUFFIXES
from limn.data.parquet import LABELS
from limn.data.report import Report
from limn.io.files import read_bounded
from limn.io.pictures import MAX_BYTES, composite, cover, decode
from limn.kernel.errors import DataError, InputError

Pictures = list[NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Pictures whose class is known, or was asked for.

    Args:
        pictures: Each uint8 (height, width, 3).
        labels: The class of each.
        keys: Their names.
        domains: What each is beside its class, as its style; empty where nothing was asked for.
    """

    pictures: Pictures
    labels: tuple[str, ...]
    keys: tuple[str, ...]
    domains: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pictures)

    def take(self, places: Sequence[int]) -> Labelled:
        """Return those at some places."""
        return Labelled(
            pictures=[self.pictures[place] for place in places],
            labels=tuple(self.labels[place] for place in places),
            keys=tuple(self.keys[place] for place in places),
            domains=tuple(self.domains[place] for place in places),
        )


def read_labelled(
    source: Path, classes: Sequence[str], *, size: int | None = None, domain: str = "", split: str = ""
) -> Labelled:
    """Read pictures with their classes; those of other classes are left out.

    Args:
        source: A folder with a folder for each class, a set that ``limn synth`` made, or anything that
            :func:`limn.data.readers.read` reads with one of :data:`~limn.data.parquet.LABELS`.
        classes: Names of the classes.
        size: Scale and crop to this square; None keeps each picture's size.
        domain: A column that says what a picture is beside its class.
        split: Only pictures of this split; all if empty.

    Raises:
        InputError: No picture of these classes is there, or a picture has no such column.
        DataError: There is no such folder, or a picture of it cannot be used; its name is said.
    """
    known, rows = set(classes), []
    for example in examples_of(source, size):
        label = next((str(example.attributes[name]) for name in LABELS if name in example.attributes), None)
        if label not in known or (split and example.attributes.get("split", example.split) != split):
            continue
        if domain and domain not in example.attributes:
            raise InputError(
                f"{source}: {example.key} has no {domain}; its columns are {', '.join(example.attributes)}"
            )
        rows.append((example.on(), label, example.key, str(example.attributes.get(domain, ""))))
    if not rows:
        raise InputError(
            f"{source}: has no pictures of {', '.join(list(classes)[:5])}; name a folder for each class"
        )
    pictures, labels, keys, domains = zip(*rows, strict=True)
    return Labelled(pictures=list(pictures), labels=labels, keys=keys, domains=domains)


def class_names(source: Path) -> tuple[str, ...]:
    """Return the classes that pictures have, sorted."""
    labels = {
        str(next((example.attributes[name] for name in LABELS if name in example.attributes), ""))
        for example in examples_of(source, 8)
    }
    return tuple(sorted(filter(None, labels)))


def examples_of(source: Path, size: int | None) -> Iterator[Example]:
    """Read pictures of any layout; see :func:`read_labelled`."""
    from limn.data.readers import read

    inside = source / "data" if (source / "audit.json").is_file() else source
    if not inside.exists():
        raise DataError(f"{inside}: no such folder; name one of pictures with their classes")
    if inside.is_dir():
        parts = [path for path in sorted(inside.iterdir()) if (path / "metadata.jsonl").is_file()]
        if parts and not (inside / "metadata.jsonl").is_file():
            for part in parts:
                yield from read(part, size=size, report=Report(most_bad=0))
            return
        names = [path.name for path in inside.iterdir() if path.is_file()]
        if not any(name.endswith((".parquet", ".tar", ".jsonl", ".gz", ".tgz", ".txt")) for name in names):
            yield from _by_folder(inside, size)
            return
    yield from read(inside, size=size, report=Report(most_bad=0))


def _by_folder(folder: Path, size: int | None) -> Iterator[Example]:
    """Read a folder whose folders are called as the classes; a split may stand between."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        name = str(path.relative_to(folder))
        picture = decode(read_bounded(path, MAX_BYTES, "scale it down", error=DataError), name=name)
        array = composite(np.asarray(picture if size is None else cover(picture, size)))
        label = {"class": path.parent.name} if path.parent != folder else {}
        split = path.parent.parent.name if folder in path.parent.parent.parents else "train"
        yield Example(key=name, picture=array, captions=(), attributes=label, split=split)
