"""Sets as other tools open them: an image folder with metadata.jsonl, webdataset shards, Parquet.

Pictures are the PNG files that were drawn, byte for byte, so each carries the record of how it was drawn.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.atomic import explained, make_folder, write_bytes, write_text
from limn.kernel.errors import unknown_name

SHARD = 1000  # pictures


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One picture of a set.

    Args:
        file: Its PNG.
        text: The words that it was asked for by.
        label: Its class.
        split: Its split.
        facts: What else is known of it; JSON-ready, the same names for every picture.
    """

    file: Path
    text: str
    label: str
    split: str
    facts: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How its file is called; no two of a set are alike."""
        return self.file.stem[:16]


def export(samples: Sequence[Sample], labels: Sequence[str], folder: Path, form: str = "folder") -> Path:
    """Write a set, whole or not at all; what was there is replaced.

    Args:
        samples: The pictures.
        labels: All classes, in order, for their numbers.
        folder: Where; ``data`` of the set.
        form: One of :data:`FORMS`.

    Raises:
        InputError: There is no such form.
        StoreError: It cannot be written.
    """
    if form not in FORMS:
        raise unknown_name("format", form, FORMS)
    fresh, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    with explained(folder):
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        make_folder(fresh)
        for split in dict.fromkeys(sample.split for sample in samples):
            FORMS[form]([sample for sample in samples if sample.split == split], list(labels), fresh, split)
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    return folder


def _as_folder(samples: Sequence[Sample], labels: list[str], folder: Path, split: str) -> None:
    """Write ``SPLIT/CLASS/NAME.png`` and ``SPLIT/metadata.jsonl``, as ``imagefolder`` of ``datasets`` wants them."""
    lines = []
    for sample in samples:
        name = f"{sample.label}/{sample.name}.png"
        path = folder / split / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(sample.file, path)
        except OSError:  # another disk, or one without links
            shutil.copyfile(sample.file, path)
        facts = {"file_name": name, "text": sample.text, "class": sample.label, "label": labels.index(sample.label)}
        lines.append(json.dumps({**facts, **sample.facts}, ensure_ascii=False))
    write_text(folder / split / "metadata.jsonl", "\n".join(lines) + "\n")


def _as_shards(samples: Sequence[Sample], labels: list[str], folder: Path, split: str) -> None:
    """Write ``SPLIT-000000.tar`` of ``NAME.png``, ``.txt``, ``.cls`` and ``.json``, as ``webdataset`` wants them."""
    for start in range(0, len(samples), SHARD):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for sample in samples[start : start + SHARD]:
                facts = {"class": sample.label, "split": split, **sample.facts}
                members = {
                    "png": sample.file.read_bytes(),
                    "txt": sample.text.encode(),
                    "cls": str(labels.index(sample.label)).encode(),
                    "json": json.dumps(facts, ensure_ascii=False).encode(),
                }
                for suffix, data in members.items():
                    entry = tarfile.TarInfo(f"{sample.name}.{suffix}")
                    entry.size = len(data)
                    tar.addfile(entry, io.BytesIO(data))
        write_bytes(folder / f"{split}-{start // SHARD:06d}.tar", buffer.getvalue())


def _as_parquet(samples: Sequence[Sample], labels: list[str], folder: Path, split: str) -> None:
    """Write ``SPLIT-00000.parquet`` with the features by which ``datasets`` shows pictures and names of classes."""
    import pyarrow as pa
    from pyarrow import parquet

    features = {"image": {"_type": "Image"}, "label": {"names": labels, "_type": "ClassLabel"}}
    names = list(samples[0].facts) if samples else []
    for start in range(0, len(samples), SHARD):
        part = samples[start : start + SHARD]
        columns = {
            "image": pa.array([{"bytes": one.file.read_bytes(), "path": f"{one.name}.png"} for one in part]),
            "text": pa.array([one.text for one in part]),
            "class": pa.array([one.label for one in part]),
            "label": pa.array([labels.index(one.label) for one in part], pa.int64()),
            **{name: pa.array([one.facts[name] for one in part]) for name in names},
        }
        table = pa.table(columns)
        known = {name: features.get(name, {"dtype": _dtype(kind.type), "_type": "Value"}) for name, kind in
                 zip(table.schema.names, table.schema, strict=True)}  # fmt: skip
        record = json.dumps({"info": {"features": known}})
        buffer = io.BytesIO()
        parquet.write_table(table.replace_schema_metadata({"huggingface": record}), buffer)
        write_bytes(folder / f"{split}-{start // SHARD:05d}.parquet", buffer.getvalue())


def _dtype(kind: Any) -> str:
    """Return the name by which ``datasets`` knows a type of Arrow."""
    return {"double": "float64"}.get(str(kind), str(kind))


FORMS: Final[Mapping[str, Callable[[Sequence[Sample], list[str], Path, str], None]]] = {
    "folder": _as_folder,
    "webdataset": _as_shards,
    "parquet": _as_parquet,
}
"""Ways to write a set, by name."""
