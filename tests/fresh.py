"""Command lines in a fresh interpreter, with other folders to import from: what an installed package changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["NATIVE", "Result", "limn"]

SOURCE = Path(__file__).parents[1] / "src"
NATIVE = Path(__file__).parent / "replays" / "models" / "native"
"""A small model with random weights."""
RUNS = """
import contextlib, io, json, sys
from limn import cli
results = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run([part.replace("{last}", results[-1][1].strip() if results else "") for part in arguments])
    results.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(results))
"""


@dataclass(frozen=True)
class Result:
    """What a command said."""

    code: int
    out: str
    err: str


def limn(
    folder: Path, *commands: Sequence[str | Path], beside: Sequence[Path] = (), source: Path = SOURCE
) -> list[Result]:
    """Run several command lines one after another in one new process.

    Args:
        folder: Where.
        commands: Each the words behind ``limn``; ``{last}`` stands for what the command before printed.
        beside: Folders of installed packages.
        source: Folder of limn itself.
    """
    path = os.pathsep.join(map(str, [source, *beside]))
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    words = json.dumps([[str(word) for word in command] for command in commands])
    done = subprocess.run(
        [sys.executable, "-c", RUNS, words], capture_output=True, text=True, env=environment, cwd=folder, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return [Result(*result) for result in json.loads(done.stdout)]
