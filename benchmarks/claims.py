"""Measure anew what README and docs quote: every command that a committed result names, or those of some results.

python -m benchmarks.claims [RESULT ...]
"""

import argparse
import shlex
import subprocess
import sys

from benchmarks.kit.results import RESULTS, read

GIVEN = {
    "text_encoder": "text vectors and a language model that no package has",
    "page_check": "pages of audits to be checked",
}
"""Results whose command needs files that a person gives, and which."""
LAST = ("python -m tools.cards", "python -m benchmarks.pages")


def commands(names: list[str]) -> list[str]:
    """Return the commands that make results, each once, and then those that bring figures into pages."""
    return [*dict.fromkeys(str(read(name)["command"]) for name in names), *LAST]


def main() -> None:
    every = sorted(path.stem for path in RESULTS.glob("*.json"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks.claims", description=__doc__)
    parser.add_argument("results", nargs="*", metavar="RESULT", help="all unless named")
    parser.add_argument("--list", action="store_true", help="print the commands, and measure nothing")
    given = parser.parse_args()
    if unknown := [name for name in given.results if name not in every]:
        parser.error(f"{', '.join(unknown)}: not in {RESULTS.name}; give names of its files without .json")
    for name, needed in GIVEN.items():
        if name in given.results or not given.results:
            print(f"{name} is left out: {read(name)['command']} needs {needed}", file=sys.stderr)
    for command in commands([name for name in given.results or every if name not in GIVEN]):
        print(command, flush=True)
        if not given.list:
            subprocess.run([sys.executable, *shlex.split(command)[1:]], check=True)


if __name__ == "__main__":
    main()
