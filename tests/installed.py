"""limn as its wheel brings it, in a fresh environment that holds what the wheel asks for and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    """Build the wheel and return its file."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, *extras: str) -> Path:
    """Install a wheel into a new environment and return the folder of its programs.

    What the wheel asks for is linked from the environment of the tests; a module that it does not ask for is
    missing there.
    """
    venv.create(folder, symlinks=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    run = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet", "--no-deps"]
    subprocess.run([*run, "--no-index", "--no-compile", "--disable-pip-version-check", str(wheel)], check=True)
    (packages,) = folder.glob("[Ll]ib/**/site-packages")
    (about,) = packages.glob("limn-*.dist-info")
    for distribution in _wanted(metadata.PathDistribution(about), set(extras), {"limn"}):
        for file in distribution.files or ():
            source = Path(str(distribution.locate_file(file.parts[0])))
            if file.parts[0] not in ("..", "__pycache__") and not (packages / file.parts[0]).exists():
                (packages / file.parts[0]).symlink_to(source)
    return programs


def _wanted(asking: metadata.Distribution, extras: set[str], known: set[str]) -> Iterator[metadata.Distribution]:
    """Give the distributions that one asks for, and those that they ask for."""
    for text in asking.requires or ():
        asked = Requirement(text)
        holds = any(asked.marker is None or asked.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        name = canonicalize_name(asked.name)
        if holds and name == "limn":
            yield from _wanted(asking, set(asked.extras), known)
        elif holds and (name, *sorted(asked.extras)) not in known:
            known.add((name, *sorted(asked.extras)))
            distribution = metadata.distribution(name)
            yield distribution
            yield from _wanted(distribution, asked.extras, known)


def environment(folder: Path) -> dict[str, str]:
    """Return variables that lead to nothing outside a folder."""
    kept = {name: value for name, value in os.environ.items() if not re.match("PYTHON|LIMN|VIRTUAL_ENV", name)}
    return {**kept, "LIMN_HOME": str(folder / "keys"), "OMP_NUM_THREADS": "1"}
