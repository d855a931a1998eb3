"""Prompts and references of one's own: CSV files of closed columns, each line checked and named by its number."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from limn.audit.probe import Ask
from limn.io.files import open_text
from limn.kernel.errors import InputError, unknown_name

ASKED = ("group", "pair", "seed")
"""Columns that any file of prompts may have."""

MOST = 2**53  # beyond which a seed that was written by other tools may have been rounded

NEAR = 0.005
"""How far rounded shares of a whole may lie from 1."""

Line = Mapping[str, str]


def lines(path: Path, needed: Sequence[str], allowed: Sequence[str] | None = ()) -> list[tuple[int, dict[str, str]]]:
    """Return the lines of a CSV file with their numbers, cells by column, without spaces around either.

    Args:
        path: The file, UTF-8.
        needed: Columns that it must have.
        allowed: Columns that it may have; any if None.

    Raises:
        InputError: If there is no such file, it is no CSV file, a column is missing or unknown, a line has other
            cells than columns, or there is no line.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; name a CSV file with the columns {', '.join(needed) or 'it needs'}")
    read: list[tuple[int, dict[str, str]]] = []
    try:
        with open_text(path, error=InputError) as opened:
            rows = csv.DictReader(opened, strict=True)
            columns = [name.strip() for name in rows.fieldnames or ()]
            _check_columns(path, columns, needed, allowed)
            for row in rows:
                if None in row or None in row.values():
                    raise InputError(
                        f"{path}, line {rows.line_num}: has other cells than columns; quote text with commas"
                    )
                read.append((rows.line_num, {name.strip(): cell.strip() for name, cell in row.items()}))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is no CSV file in UTF-8 ({error})") from None
    if not read:
        raise InputError(
            f"{path}: has no lines below its names of columns; write one for each {(*needed, 'picture')[0]}"
        )
    return read


def _check_columns(path: Path, columns: Sequence[str], needed: Sequence[str], allowed: Sequence[str] | None) -> None:
    for name in needed:
        if name not in columns:
            raise InputError(f"{path}: has no column {name}; its columns are {', '.join(columns) or 'none'}")
    for place, name in enumerate(columns):
        if name in columns[:place]:
            raise InputError(f"{path}: has the column {name} twice; name each once")
        if allowed is not None and name not in (*needed, *allowed):
            raise InputError(f"{path}: {unknown_name('column', name, (*needed, *allowed))}")


def own_asks(path: Path, needed: Sequence[str], allowed: Sequence[str] = ()) -> tuple[Ask, ...]:
    """Return the prompts of a file; columns beside ``prompt``, ``group``, ``pair`` and ``seed`` are slots.

    Args:
        path: A CSV file with a column ``prompt``.
        needed: Slots that each line must say; ``place`` may be empty, for none.
        allowed: Slots that a line may say.

    Raises:
        InputError: As :func:`lines`, and if a line lacks what it must say, repeats another or has no
            sound seed.
    """
    first: dict[str, int] = {}
    asks = []
    for number, line in lines(path, ("prompt", *needed), (*allowed, *ASKED)):
        slots = {
            name: line[name] for name in (*needed, *allowed) if line.get(name) or (name == "place" and name in line)
        }
        for name in ("prompt", *needed):
            if name != "place" and not line[name]:
                raise InputError(f"{path}, line {number}: has no {name}")
        group = line.get("group") or slots.get("concept", "")
        ask = Ask(
            prompt=line["prompt"],
            slots=slots,
            group=group,
            pair=line.get("pair", ""),
            seed=_seed(path, number, line),
        )
        before = first.setdefault(repr(ask), number)
        if before != number:
            raise InputError(
                f"{path}, line {number}: repeats line {before}; for more pictures of each prompt use --n"
            )
        asks.append(ask)
    return tuple(asks)


def _seed(path: Path, number: int, line: Line) -> int | None:
    text = line.get("seed", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) <= MOST):
        raise InputError(f"{path}, line {number}: seed {text[:40]!r} is no whole number from 0 to {MOST}")
    return int(text)


def own_shares(path: Path, key: str, fixed: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Return the shares of each line by column, for example those of women and men by concept.

    Args:
        path: A CSV file; its columns beside the key hold shares from 0 to 1, empty where they are not known.
        key: The column whose value names the line.
        fixed: The other columns; any if None.

    Raises:
        InputError: As :func:`lines`, and if a line repeats another's key or a cell is no share.
    """
    shares: dict[str, dict[str, float]] = {}
    for number, line in lines(path, (key, *(fixed or ())), () if fixed else None):
        if not line[key] or line[key] in shares:
            raise InputError(f"{path}, line {number}: {'repeats' if line[key] else 'has no'} {line[key] or key}")
        shares[line[key]] = row = dict(_shares(path, number, key, line))
        if sum(row.values()) > 1 + NEAR:
            raise InputError(
                f"{path}, line {number}: its shares sum to {sum(row.values()):.3g}; they are parts of 1"
            )
    if not any(shares.values()):
        raise InputError(f"{path}: has no column of shares beside {key}; add one for each value")
    return shares


def _shares(path: Path, number: int, key: str, line: Line) -> Iterator[tuple[str, float]]:
    for name, cell in line.items():
        if name == key or not cell:
            continue
        try:
            share = float(cell)
        except ValueError:
            share = math.nan
        if not 0 <= share <= 1:
            raise InputError(f"{path}, line {number}: {name} {cell[:40]!r} is no share; write 0 to 1, as in 0.374")
        yield name, share
