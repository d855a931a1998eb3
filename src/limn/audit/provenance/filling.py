"""What a table of pictures lacks, from what the pictures' files say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from limn.audit.provenance.read import read_provenance
from limn.audit.provenance.record import Provenance

Line = tuple[int, dict[str, str]]
"""A line's number, and its cells by column."""

FIELDS = ("prompt", "seed", "model")
MOST_SEED = 2**63 - 1


def filled(lines: Sequence[Line], where: Callable[[Mapping[str, str]], Path]) -> tuple[list[Line], tuple[str, ...]]:
    """Fill empty cells and missing columns of ``prompt``, ``seed`` and ``model``; what a table says stays.

    A seed that would make two pictures one, since they were drawn with other settings, is left out.

    Args:
        lines: Of the table.
        where: Where the file of a line is.

    Returns:
        The lines, and what there is to tell, a sentence each.
    """
    made, counts, gaps = [], Counter[tuple[str, str]](), Counter[str]()
    files: dict[tuple[str, ...], set[str]] = {}
    for number, line in lines:
        path = where(line)
        lacking = [field for field in FIELDS if not line.get(field)]
        record = read_provenance(path) if lacking and path.is_file() else None
        own = _cells(record)
        new = {field: own[field] for field in lacking if own.get(field)}
        counts.update((record.tool, field) for field in new if record is not None)
        if record is not None and record.gap and "prompt" in lacking:
            gaps[f"tell no prompt ({record.tool}: {record.gap})"] += 1
        if record is not None and (record.seed or 0) > MOST_SEED and "seed" in lacking:
            gaps["have a seed above 2**63 - 1, which is left out"] += 1
        line = {**dict.fromkeys(FIELDS, ""), **line, **new}
        files.setdefault(_identity(line), set()).add(line.get("file", ""))
        made.append((number, line, "seed" in new))
    again = 0
    result = []
    for number, line, seeded in made:
        if seeded and len(files[_identity(line)]) > 1:
            line, again = {**line, "seed": ""}, again + 1
        result.append((number, line))
    notes = [
        f"took the {field} of {count:,} pictures from what {tool} wrote" for (tool, field), count in counts.items()
    ]
    notes += [f"{count:,} pictures {gap}" for gap, count in gaps.items()]
    if again:
        notes.append(f"{again:,} pictures have model, words and seed of another one; their seeds are left out")
    return result, tuple(notes)


def _cells(record: Provenance | None) -> dict[str, str]:
    if record is None:
        return {}
    seed = "" if record.seed is None or record.seed > MOST_SEED else str(record.seed)
    return {"prompt": record.prompt, "seed": seed, "model": record.model}


def _identity(line: Mapping[str, str]) -> tuple[str, ...]:
    return line.get("model", ""), line.get("prompt", ""), line.get("seed", "")
