"""Read WebDataset shards: tar files in which one sample is a run of files with one stem."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from limn.data.example import Example
from limn.data.folders import CAPTION_FIELDS, MAX_FILE, SUFFIXES, Record, captions_in, examples_of
from limn.data.report import Report
from limn.kernel.errors import DataError

SHARDS: Final = (".tar", ".tar.gz", ".tgz")
_TEXTS: Final = (".txt", ".text", ".caption")


def read_shards(
    source: Path | Sequence[Path], *, size: int | None = None, report: Report | None = None
) -> Iterator[Example]:
    """Stream samples from shards without unpacking them; members that are no picture or text are not opened.

    Args:
        source: A shard, a folder of shards, or a list of shards.
        size: Crop and scale to this square; None keeps each picture's size.
        report: Gathers what was left out; a fresh one if None.

    Yields:
        Examples, shard by shard in order of their names; fields of a ``.json`` member become attributes.

    Raises:
        DataError: There are no shards, or too much of them cannot be used.
    """
    report = report if report is not None else Report()
    if not isinstance(source, Path):
        shards, name = list(source), ", ".join(path.name for path in source[:3])
    elif source.is_dir():
        shards, name = sorted(path for path in source.iterdir() if path.name.endswith(SHARDS)), str(source)
    else:
        shards, name = [source], str(source)
    wrong = next((path for path in shards if not path.is_file()), None if shards else name)
    if wrong:
        raise DataError(f"{wrong}: no shard there; name a .tar file or a folder of them")
    yield from examples_of(name, _records(shards, report), size=size, report=report)


def _records(shards: Sequence[Path], report: Report) -> Iterator[Record]:
    for shard in shards:
        for key, sample in _samples(shard, report):
            picture = next((sample[name] for name in sample if name in SUFFIXES), None)
            yield key, picture, *_caption_and_facts(sample)


def _samples(shard: Path, report: Report) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Group members that follow one another and share their name up to the first dot."""
    stem = ""
    sample: dict[str, bytes] = {}
    try:
        with tarfile.open(shard, "r|*") as tar:
            for member in tar:
                folder, _, file = member.name.rpartition("/")
                first, dot, suffix = file.partition(".")
                name = f"{folder}/{first}" if folder else first
                if name != stem and sample:
                    yield f"{shard.name}/{stem}", sample
                    sample = {}
                stem, suffix = name, (dot + suffix).lower()
                wanted = suffix in (*SUFFIXES, *_TEXTS, ".json") and member.isfile() and member.size <= MAX_FILE
                handle = tar.extractfile(member) if wanted else None
                if handle is not None:
                    sample[suffix] = handle.read()
            if _ends_early(shard):
                raise EOFError("it ends without the mark of an end")
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        report.leave_out(shard.name, "damaged shard", str(error)[:80])
        return  # the sample that was cut off is not given
    if sample:
        yield f"{shard.name}/{stem}", sample


def _ends_early(shard: Path) -> bool:
    """Whether a tar file lacks the zeros at its end; tarfile takes one cut between two members for whole."""
    with shard.open("rb") as file:
        packed = file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ"))  # those check their ends themselves
        file.seek(max(0, shard.stat().st_size - 512))
        return not packed and any(file.read())


def _caption_and_facts(sample: dict[str, bytes]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Find the captions and further facts of a sample."""
    try:
        record = json.loads(sample.get(".json", b"{}"))
    except (ValueError, RecursionError):
        record = {}
    record = record if isinstance(record, dict) else {}
    text = next((sample[name] for name in _TEXTS if name in sample), b"").decode("utf-8", "replace")
    captions = tuple(line.strip() for line in text.splitlines() if line.strip()) or captions_in(record)
    return captions, {name: value for name, value in record.items() if name not in CAPTION_FIELDS}
