"""Fill the tables of docs/ideas/stereotypes.md on the emoji model from its results.

python -m benchmarks.studies.stereotypes_page
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "ideas" / "stereotypes.md"
WAYS = {"emoji": "guided (scale 3)", "emoji at 1": "unguided (scale 1)"}
FORMS = ("woman", "man", "person")


def main() -> None:
    """Put both tables in their places."""
    found = json.loads((RESULTS / "audit_stereotypes_emoji.json").read_text("utf-8"))
    text = replaced(PAGE.read_text("utf-8"), "| woman, guided", means(found))
    PAGE.write_text(replaced(text, "| cook | ", professions(found)), "utf-8")


def replaced(text: str, start: str, rows: Sequence[str]) -> str:
    """Put rows in the place of those from one that starts so, to the end of its table."""
    first = text.index(f"\n{start}") + 1
    end = text.index("\n\n", first)
    return text[:first] + "\n".join(rows) + text[end:]


def means(found: Mapping[str, Any]) -> list[str]:
    """Return a row for each form and way: mean share and its distance from the captions."""
    rows = []
    for form in FORMS:
        for model, way in WAYS.items():
            one = found[f"{model}: {form}"]
            cells = [said(one[name], 1) for name in ("mean", "less unmarked captions", "less all captions")]
            rows.append(f"| {form}, {way} | {' | '.join(cells)} | {one['differ from unmarked captions']} |")
    return rows


def professions(found: Mapping[str, Any]) -> list[str]:
    """Return a row for each profession: what captions show, and the corrected shares."""
    guided = [found[f"emoji: {form}"]["by profession"] for form in FORMS]
    free = found["emoji at 1: woman"]["by profession"]
    rows = []
    for name in guided[0]:
        unmarked = [form[name]["unmarked"] for form in guided]
        captions = " / ".join("-" if share is None else f"{100 * share:.0f}" for share in unmarked)
        cells = [said(form[name]["share"], 0) for form in (*guided, free)]
        rows.append(f"| {name} | {captions} | {' | '.join(cells)} |")
    return rows


def said(figure: Mapping[str, float], digits: int) -> str:
    """Say a share with its interval, in percent."""
    value, low, high = (f"{100 * figure[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} % ({low} to {high})"


if __name__ == "__main__":
    main()
