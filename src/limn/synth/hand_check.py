"""The check by hand: a page that a person clicks through, without a network, and the answers that it exports."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from functools import partial
from importlib import resources
from pathlib import Path

from limn.audit.report.pictures import thumbnails
from limn.audit.rows import Row
from limn.data.split import unit
from limn.io.atomic import write_bytes
from limn.io.configurations import read_json
from limn.kernel.errors import InputError
from limn.synth.making import Made
from limn.synth.noise import RIGHT, UNSURE, WRONG

PAGE = "check.html"
ANSWERS = "answers"
"""The folder of a set in which people's answers are kept, a file for each person."""


def picked(made: Made, each: int) -> list[Row]:
    """Return the pictures that people see: so many of each class, picked by chance among all that were drawn."""
    rows = [row for row in made.table.once().rows if row.drawn]
    chosen = []
    for group in made.table.groups:
        own = sorted((row for row in rows if row.group == group), key=lambda row: unit(f"hand:{row.key}"))
        chosen += own[:each]
    return chosen


def write_page(made: Made, each: int = 50) -> Path:
    """Write the page of a set, and return its file; what the judge read is not on it.

    Args:
        made: The set.
        each: Pictures of each class.
    """
    rows = picked(made, each)
    small = thumbnails([partial(made.table.load, row) for row in rows])
    meanings = made.record.get("meanings", {})
    words = {label: f"{label} ({meanings[label]})" if label in meanings else label for label in made.table.groups}
    pictures = [
        {"key": row.key, "class": words[row.group],
         "src": f"data:image/webp;base64,{base64.b64encode(one.data).decode()}"}
        for row, one in zip(rows, small, strict=True)
    ]  # fmt: skip
    data = json.dumps({"set": name_of(made), "pictures": pictures}).replace("<", "\\u003c")
    style, script = (
        resources.files("limn.synth").joinpath(f"check.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    policy = "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'".format(*hashes)
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}; base-uri \'none\'">\n'
        f"<title>{html.escape(f'Check of {made.folder.name}')}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        "<main></main>\n"
        f'<script type="application/json" id="data">{data}</script>\n<script>{script}</script>\n</body>\n</html>\n'
    )
    write_bytes(made.folder / PAGE, text.encode())
    return made.folder / PAGE


def name_of(made: Made) -> str:
    """Return what a page's answers say they are of: a hash of the set's pictures."""
    keys = "".join(sorted(row.key for row in made.table.rows if row.drawn))
    return hashlib.sha256(keys.encode()).hexdigest()[:16]


def add_answers(made: Made, file: Path) -> Path:
    """Keep a person's answers beside a set, and return where.

    Args:
        made: The set.
        file: What the page exported.

    Raises:
        InputError: It is no such file, or is of pictures that are not in the set.
    """
    answers = _read(file)
    unknown = set(answers) - {row.key for row in made.table.rows if row.drawn}
    if unknown:
        raise InputError(
            f"{file}: answers for {len(unknown)} pictures that are not in {made.folder}; name its own set"
        )
    kept = made.folder / ANSWERS / f"{hashlib.sha256(file.read_bytes()).hexdigest()[:12]}.json"
    kept.parent.mkdir(exist_ok=True)
    write_bytes(kept, file.read_bytes())
    return kept


def answers_of(made: Made) -> dict[str, str]:
    """Return what people said of pictures of a set; where they disagree, none could tell."""
    said: dict[str, str] = {}
    for file in sorted((made.folder / ANSWERS).glob("*.json")):
        for key, answer in _read(file).items():
            said[key] = answer if said.get(key, answer) == answer else UNSURE
    return said


def _read(file: Path) -> Mapping[str, str]:
    try:
        answers = read_json(file, limit=2**26)["answers"]
        if not all(answer in (RIGHT, WRONG, UNSURE) for answer in answers.values()):
            raise ValueError(f"an answer is none of {RIGHT}, {WRONG}, {UNSURE}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{file}: is no file of answers ({error}); export it from {PAGE}") from None
    return dict(answers)
