"""Fill the figures of docs/ideas from benchmarks/results: every block that names a results file gets its table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.record import RESULTS

PAGES = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"<!-- figures: (\w+) -->\n.*?<!-- end of figures -->", re.DOTALL)
ABOUT = {"command", "commit", "changed", "machine", "versions", "claim", "curves"}


def said(value: Any) -> str:
    """Say a figure: a share or a mean with its interval, a number, yes or no.

    >>> said({"share": 0.5, "low": 0.4, "high": 0.6, "n": 90})
    '50 % (40 to 60)'
    >>> said({"mean": 0.5, "low": 0.4, "high": 0.6})
    '0.5 (0.4 to 0.6)'
    """
    if isinstance(value, Mapping) and "share" in value:
        return f"{100 * value['share']:.0f} % ({abs(100 * max(value['low'], 0)):.0f} to {100 * value['high']:.0f})"
    if isinstance(value, Mapping) and {"mean", "low", "high"} <= set(value):
        low, high = f"{value['low']:.3g}", f"{value['high']:.3g}"
        return f"{value['mean']:.3g}" if low == high else f"{value['mean']:.3g} ({low} to {high})"
    if isinstance(value, Mapping):
        return f"{value['ratio']:.3g} ({value['10 %']:.3g} to {value['90 %']:.3g})"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def single(value: Any) -> bool:
    """Say whether a value is one figure."""
    return (
        not isinstance(value, Mapping)
        or "ratio" in value
        or ("low" in value and bool({"share", "mean"} & set(value)))
    )


def tables(found: Mapping[str, Any]) -> str:
    """Return the claim, its tables and single figures, and where they come from."""
    lines = [f"Claim: {found['claim']}.", ""] if "claim" in found else []
    rest = {name: value for name, value in found.items() if name not in ABOUT}
    for name, group in rest.items():
        if single(group) or all(single(each) for each in group.values()):
            continue
        columns = list(next(iter(group.values())))
        lines += [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        for row, cells in group.items():
            lines.append(f"| {row} | {' | '.join(said(cells.get(column)) for column in columns)} |")
        lines.append("")
    flat = {name: value for name, value in rest.items() if single(value)}
    for name, group in rest.items():
        if not single(group) and all(single(each) for each in group.values()):
            flat |= {f"{name}: {key}": value for key, value in group.items()}
    lines += [f"- {name}: {said(value)}" for name, value in flat.items()]
    lines += ["", f"`{found['command']}`, commit {found['commit']}, {found['machine']}."]
    return "\n".join(lines)


def fill(text: str) -> str:
    """Return a page with its figures as they were last measured; a block without results says so."""

    def block(match: re.Match[str]) -> str:
        path = RESULTS / f"{match[1]}.json"
        body = tables(json.loads(path.read_text("utf-8"))) if path.exists() else "Not measured yet."
        return f"<!-- figures: {match[1]} -->\n{body}\n<!-- end of figures -->"

    return BLOCK.sub(block, text)


def main() -> None:
    """Rewrite the pages whose figures changed."""
    for page in sorted(PAGES.rglob("*.md")):
        text = page.read_text("utf-8")
        filled = fill(text)
        if filled != text:
            page.write_text(filled, "utf-8")
            print(page)


if __name__ == "__main__":
    main()
