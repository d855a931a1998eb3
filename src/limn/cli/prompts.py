"""Prompts from the command line or a file; a line that cannot be used is named by its number."""

from __future__ import annotations

import contextlib
import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from limn.io.files import open_file
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt

MAX_BYTES = 128_000_000
MAX_LINES = 1_000_000

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
    """Read prompts from text (one a line), JSONL or CSV by the file's ending; ``-`` is text on stdin.

    JSONL holds objects with ``prompt`` and, if wanted, ``seed`` and ``negative``; CSV has columns of these names.
    Other fields are passed over.

    Raises:
        InputError: If the file cannot be read, holds no prompt, or a line cannot be used.
    """
    rows = {".jsonl": _json_rows, ".ndjson": _json_rows, ".csv": _csv_rows}.get(file.suffix.lower(), _text_rows)
    lines = [_line(f"{file}, line {number}", row) for number, row in rows(file, _content(file))]
    if not lines:
        raise InputError(f"{file}: holds no prompt; write one a line")
    return lines


def _content(file: Path) -> bytes:
    """Read a file, or what stands on stdin, as far as it is not too long."""
    pieces, size, lines = [], 0, 0
    source = contextlib.nullcontext(sys.stdin.buffer) if str(file) == "-" else open_file(file, error=InputError)
    with source as opened:
        while piece := opened.read(2**20):
            pieces.append(piece)
            size, lines = size + len(piece), lines + piece.count(b"\n")
            if size > MAX_BYTES:
                raise InputError(f"{file}: more than {MAX_BYTES // 1_000_000} MB of prompts; split it")
            if lines > MAX_LINES:
                raise InputError(f"{file}: more than {MAX_LINES:,} lines; split it")
    return b"".join(pieces)


def _decoded(file: Path, content: bytes) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            yield number, line.decode()
        except UnicodeDecodeError:
            raise InputError(f"{file}, line {number}: is not UTF-8; save the file as UTF-8") from None


def _text_rows(file: Path, content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in _decoded(file, content):
        if line.strip():
            yield number, {"prompt": line.strip()}


def _json_rows(file: Path, content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in _decoded(file, content):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{file}, line {number}: is not JSON; write one object a line") from None
        if not isinstance(row, dict):
            raise InputError(f'{file}, line {number}: is no object; write {{"prompt": "..."}}')
        yield number, row


def _csv_rows(file: Path, content: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader((f"{line}\n" for _, line in _decoded(file, content)), strict=True)
    try:
        if "prompt" not in (reader.fieldnames or ()):
            raise InputError(f"{file}, line 1: has no column named prompt; add one")
        for row in reader:
            values = {name: row[name] for name in ("prompt", "seed", "negative") if row.get(name)}
            if values:
                yield reader.line_num, values
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: is not CSV ({error}); mend its quotes") from None


def _line(where: str, row: Mapping[str, Any]) -> Row:
    text, seed, negative = row.get("prompt"), row.get("seed"), row.get("negative")
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
