"""How long a person waits: help, cold start, a warm picture, ten prompts at once, training against the GEMM rate."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.record import write

PROMPTS = [
    "a red heart", "a green apple", "a smiling face", "a brown dog", "a yellow star",
    "a blue car", "a woman with dark skin", "a slice of pizza", "a tree", "a rocket",
]  # fmt: skip


def main() -> None:
    """Measure and write ``results/speed.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeats", type=int, default=5)
    repeats = arguments.parse_args().repeats
    figures: dict[str, Any] = {
        "seconds of limn --help": spread(lambda: command("--help"), repeats),
        "seconds of limn generate from start to PNG": spread(cold, repeats),
        **warm(repeats),
    }
    for name, value in figures.items():
        print(f"{name}: {value}")
    print(write("speed", figures))


def command(*words: str) -> None:
    """Run limn as a whole process."""
    subprocess.run([sys.executable, "-m", "limn", *words], check=True, capture_output=True)


def cold() -> None:
    """Draw one picture into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        command("generate", PROMPTS[0], "--out", folder)
        assert list(Path(folder).rglob("*.png"))


def warm(repeats: int) -> dict[str, Any]:
    """Draw in a process that has drawn before."""
    import limn

    generator = limn.load("emoji")
    generator.generate("warm up")
    one = spread(lambda: generator.generate(PROMPTS[0]), repeats)
    ten = spread(lambda: generator.generate(PROMPTS), repeats)
    return {
        "seconds of a warm picture": one,
        "pictures a second, ten prompts at once": round(len(PROMPTS) / ten["median"], 2),
        "steps": generator.stages[-1].steps,
    }


def spread(action: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return minimum, median and maximum seconds after one run that is not counted."""
    action()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - start)
    return {
        "min": round(min(seconds), 3), "median": round(statistics.median(seconds), 3), "max": round(max(seconds), 3)
    }  # fmt: skip


if __name__ == "__main__":
    main()
