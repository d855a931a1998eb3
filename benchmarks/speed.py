"""How long a person waits: help, cold start, a warm picture, ten prompts at once."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.kit.run import run
from benchmarks.kit.timing import spread

PROMPTS = [
    "a red heart", "a green apple", "a smiling face", "a brown dog", "a yellow star",
    "a blue car", "a woman with dark skin", "a slice of pizza", "a tree", "a rocket",
]  # fmt: skip


def command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "limn", *words], check=True, capture_output=True)


def cold() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command("generate", PROMPTS[0], "--out", folder)
        assert list(Path(folder).rglob("*.png"))


def measure(*, repeats: int = 5) -> dict[str, Any]:
    import limn

    processes = {
        "seconds of limn --help": spread(lambda: command("--help"), repeats),
        "seconds of limn generate from start to PNG": spread(cold, repeats),
    }
    generator = limn.load("emoji")
    generator.generate("warm up")
    one = spread(lambda: generator.generate(PROMPTS[0]), repeats)
    ten = spread(lambda: generator.generate(PROMPTS), repeats)
    return {
        **processes,
        "seconds of a warm picture": one,
        "pictures a second, ten prompts at once": round(len(PROMPTS) / ten["median"], 2),
        "steps": generator.stages[-1].steps,
    }


if __name__ == "__main__":
    run(measure, quick={"repeats": 1})
