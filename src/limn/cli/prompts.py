"""Prompts from the command line or a file; a line that cannot be used is named by its number."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limn.cli.console import say
from limn.io.files import open_file
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt

MAX_BYTES = 128_000_000
MAX_LINES = 1_000_000
NAMES = ("prompt", "seed", "negative", "negative_prompt")
"""Columns and fields that are used."""

Row = Mapping[str, Any]
"""A :class:`Prompt` under ``prompt``, and what only it says in place of the whole call: seed, negative."""


def given(texts: Sequence[str], file: Path | None) -> list[Row]:
    """Return the prompts of a call: either arguments, or the lines of a file.

    Raises:
        InputError: If there is none, both are given, or one cannot be used.
    """
    if file is not None:
        if texts:
            raise InputError("prompts: give them as arguments or with --prompts-file, not both")
        return read(file)
    if not texts:
        raise InputError('prompts: none given; write one, as in: limn generate "a red heart"')
    return [_line(f"prompt {place}", {"prompt": text}) for place, text in enumerate(texts, start=1)]


def read(file: Path) -> list[Row]:
    """Read prompts from text (one a line), JSON, JSONL, CSV or TSV by the file's ending; ``-`` is text on stdin.

    JSONL holds objects with ``prompt`` and, if wanted, ``seed`` and ``negative``; JSON a list of such, or of texts;
    CSV and TSV have columns of these names. ``negative_prompt`` is ``negative``; other fields are named on stderr.

    Raises:
        InputError: If the file cannot be read, holds no prompt, or a line cannot be used.
    """
    rows = _KINDS.get(file.suffix.lower(), _text_rows)
    lines: list[Row] = []
    others: dict[str, None] = {}
    for where, row in rows(file, _content(file)):
        lines.append(_line(f"{file}, {where}", row))
        others.update(dict.fromkeys(str(name) for name in row if name not in NAMES))
    if not lines:
        raise InputError(f"{file}: holds no prompt; write one a line")
    if others:
        say(f"limn: {file}: nothing uses {', '.join(list(others)[:20])}; what is used: {', '.join(NAMES)}")
    return lines


def _content(file: Path) -> bytes:
    """Read a file, or what stands on stdin, as far as it is not too long."""
    pieces, size, lines = [], 0, 0
    source = contextlib.nullcontext(sys.stdin.buffer) if str(file) == "-" else open_file(file, error=InputError)
    with source as opened:
        while piece := opened.read(2**20):
            pieces.append(piece)
            size, lines = size + len(piece), lines + max(piece.count(b"\n"), piece.count(b"\r"))
            if size > MAX_BYTES:
                raise InputError(f"{file}: more than {MAX_BYTES // 1_000_000} MB of prompts; split it")
            if lines > MAX_LINES:
                raise InputError(f"{file}: more than {MAX_LINES:,} lines; split it")
    return b"".join(pieces)


def _decoded(file: Path, content: bytes) -> Iterator[tuple[int, str]]:
    """Give each line with its number; lines end with LF, CR LF or CR."""
    whole = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(whole.split(b"\n"), start=1):
        try:
            yield number, line.decode()
        except UnicodeDecodeError:
            raise InputError(f"{file}, line {number}: is not UTF-8; save the file as UTF-8") from None


def _text_rows(file: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in _decoded(file, content):
        if line.strip():
            yield f"line {number}", {"prompt": line.strip()}


def _line_rows(file: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, line in _decoded(file, content):
        if line.strip():
            yield f"line {number}", _object(f"{file}, line {number}", _json(f"{file}, line {number}", line))


def _list_rows(file: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    items = _json(str(file), "\n".join(line for _, line in _decoded(file, content)))
    for place, item in enumerate(items if isinstance(items, list) else [items], start=1):
        where = f"item {place}"
        yield where, _object(f"{file}, {where}", {"prompt": item} if isinstance(item, str) else item)


def _json(where: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: is not JSON; write one object a line (.jsonl), or a list (.json)") from None


def _object(where: str, row: Any) -> Mapping[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f'{where}: is no object; write {{"prompt": "..."}}')
    return row


def _cell_rows(file: Path, content: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    mark = "\t" if file.suffix.lower() == ".tsv" else ","
    lines = (f"{line}\n" for _, line in _decoded(file, content))
    reader = csv.reader(lines, delimiter=mark, strict=True, skipinitialspace=True)
    try:
        columns = [name.strip() for name in next(reader, [])]
        if "prompt" not in columns:
            raise InputError(f"{file}, line 1: has no column named prompt; add one")
        if twice := [name for name in columns if name and columns.count(name) > 1]:
            raise InputError(f"{file}, line 1: has two columns named {twice[0]}; leave one out")
        for cells in reader:
            where = f"line {reader.line_num}"
            if len(cells) > len(columns):
                wrong = f"has {len(cells)} cells and there are {len(columns)} columns"
                raise InputError(f'{file}, {where}: {wrong}; write text with commas in quotes, "like this, here"')
            values = {
                name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name and cell.strip()
            }
            if values:
                yield where, values
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: is not CSV ({error}); mend its quotes") from None


_KINDS = {".jsonl": _line_rows, ".ndjson": _line_rows, ".json": _list_rows, ".csv": _cell_rows, ".tsv": _cell_rows}


def _line(where: str, row: Mapping[str, Any]) -> Row:
    text, seed, negative = row.get("prompt"), row.get("seed"), row.get("negative", row.get("negative_prompt"))
    if "negative" in row and "negative_prompt" in row:
        raise InputError(f"{where}: has negative and negative_prompt; leave one out")
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{where}: the prompt is empty; say what is to be drawn")
    if isinstance(seed, str) and seed.isdecimal() and len(seed) < 20:
        seed = int(seed)
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int)):
        raise InputError(f"{where}: seed {str(seed)[:40]!r} is not a whole number")
    if negative is not None and not isinstance(negative, str):
        raise InputError(f"{where}: negative {str(negative)[:40]!r} is not text")
    try:
        Prompt(negative or "")
        own = {"prompt": Prompt(text), "seed": seed, "negative": negative}
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return {name: value for name, value in own.items() if value is not None}
