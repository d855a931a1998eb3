"""Count lines of code, without blank lines, comments and docstrings: ``python tools/count_lines.py src``."""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

_SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """Return how many lines of a module hold code.

    >>> code_lines('\"\"\"Text.\"\"\"\\n\\nx = 1  # one\\n# two\\ny = (\\n    2)\\n')
    3
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _SILENT:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) and ast.get_docstring(node, False):
            text = node.body[0]
            lines.difference_update(range(text.lineno, (text.end_lineno or text.lineno) + 1))
    return len(lines)


def main() -> None:
    """Print the lines of each folder below the ones named, and their sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path, default=[Path("src"), Path("benchmarks")])
    parser.add_argument("--by-file", action="store_true", help="a line for each file")
    options = parser.parse_args()
    for folder in options.folders:
        counts: Counter[str] = Counter()
        for file in sorted(folder.rglob("*.py")):
            place = file if options.by_file else file.parent
            counts[str(place)] += code_lines(file.read_text(encoding="utf-8"))
        for place, count in counts.items():
            print(f"{count:7,}  {place}")
        print(f"{sum(counts.values()):7,}  {folder} in all")


if __name__ == "__main__":
    main()
