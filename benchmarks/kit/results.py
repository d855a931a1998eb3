"""Results as files, with the command, the commit and the machine that they came from; and where pictures go."""

import json
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from limn.io.atomic import write_bytes

OUT = "LIMN_BENCHMARKS_OUT"
"""Names the variable with the folder of results and pictures, where it is not the committed one."""

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"


def read(name: str) -> dict[str, Any]:
    """Return a committed result; empty where nothing was measured."""
    path = RESULTS / f"{name}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def write(name: str, figures: Mapping[str, Any], command: str) -> Path:
    """Write ``NAME.json`` and return its path."""
    import torch

    record = {
        "command": command,
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", "src")),
        "machine": f"{os.cpu_count()} cores {platform.machine()}",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
        **figures,
    }
    path = _place(RESULTS) / f"{name}.json"
    write_bytes(path, f"{json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)}\n".encode())
    return path


def picture(name: str) -> Path:
    """Return where a picture of the pages goes, by its path below ``docs``."""
    path = _place(ROOT / "docs") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def kept(path: Path, measure: Callable[[], Any]) -> Any:
    """Return what was measured before and kept in a JSON file, or measure now and keep it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, json.dumps(measure()).encode())
    return json.loads(path.read_text("utf-8"))


def rounded(value: Any, digits: int = 4) -> Any:
    """Return figures with all floating-point numbers rounded."""
    if isinstance(value, Mapping):
        return {name: rounded(each, digits) for name, each in value.items()}
    return round(value, digits) if isinstance(value, float) else value


def _place(usual: Path) -> Path:
    place = Path(os.environ[OUT]) if OUT in os.environ else usual
    place.mkdir(parents=True, exist_ok=True)
    return place


def _git(*words: str) -> str:
    out = subprocess.run(["git", *words], capture_output=True, text=True, check=False, cwd=ROOT)
    return out.stdout.strip()
