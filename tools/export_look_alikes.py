"""Write the table of letters that look like Latin ones, from the Unicode table in confusable_homoglyphs.

python -m tools.export_look_alikes
"""

from __future__ import annotations

import json
import string
import unicodedata
from importlib import resources
from pathlib import Path

__all__ = ["main", "table"]

PATH = Path(__file__).parents[1] / "src" / "limn" / "text" / "homoglyphs.txt"
HEAD = """\
# Letters of other scripts that look like a Latin letter: the Latin letter, then their code points.
# From confusables.txt of Unicode Technical Standard 39, (c) Unicode, Inc., Unicode License v3
# (https://www.unicode.org/license.txt), as held by the package confusable_homoglyphs 3.3.1 (MIT licence,
# (c) 2016-2018 Victor Felder, 2024 Elena Grandi). Added: U+3147, which Struppek et al. 2023 use as an o.
# Made by: python -m tools.export_look_alikes
"""
ADDED = {"\u3147": "o"}
NOT_SCRIPTS = ("MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "PLANCK", "KELVIN", "INFORMATION")


def table() -> dict[str, set[str]]:
    """Return the look-alikes of every Latin letter."""
    text = (resources.files("confusable_homoglyphs") / "confusables.json").read_text("utf-8")
    found: dict[str, set[str]] = {letter: set() for letter in string.ascii_letters}
    pairs = [(one, each["c"]) for one, others in json.loads(text).items() for each in others]
    for one, other in [*pairs, *((b, a) for a, b in pairs), *ADDED.items()]:
        letter = one.replace("\u200e", "")
        if other in found and len(letter) == 1 and letter.isalpha() and not letter.isascii():
            name = unicodedata.name(letter, "LATIN")
            if "LATIN" not in name and name.split()[0] not in NOT_SCRIPTS:
                found[other].add(letter)
    return found


def main() -> None:
    """Write the table."""
    lines = [
        f"{latin} {' '.join(f'{ord(c):04X}' for c in sorted(alike))}" for latin, alike in table().items() if alike
    ]
    PATH.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
