"""Measure the claims named on the command line, or all; each writes ``results/steering_NAME.json`` and a sheet."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import time

import benchmarks.steering
from benchmarks.record import write

SHARED = {"__main__", "common"}
CLAIMS = [each.name for each in pkgutil.iter_modules(benchmarks.steering.__path__) if each.name not in SHARED]


def main() -> None:
    """Measure one claim after another."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("claims", nargs="*", choices=[*CLAIMS, []], default=CLAIMS)
    arguments.add_argument("--prompts", type=int, default=100, help="prompts a seed")
    chosen = arguments.parse_args()
    for name in chosen.claims:
        print(f"--- {name}", flush=True)
        start = time.monotonic()
        figures = importlib.import_module(f"benchmarks.steering.{name}").measure(chosen.prompts)
        print(json.dumps(figures, indent=1), flush=True)
        command = f"python -m benchmarks.steering {name} --prompts {chosen.prompts}"
        print(write(f"steering_{name}", {"command": command, **figures}), f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
