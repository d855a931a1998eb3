"""Write what was measured, with the command, the commit and the machine that it came from."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "wilson", "write"]

RESULTS = Path(__file__).parent / "results"


def write(name: str, figures: Mapping[str, Any]) -> Path:
    """Write ``results/NAME.json``.

    Args:
        name: The file's name without its ending.
        figures: JSON-ready figures.

    Returns:
        The file.
    """
    import torch

    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    program = Path(sys.argv[0])
    module = program.parent.name if program.stem == "__main__" else program.stem
    record = {
        "command": " ".join(["python", "-m", f"benchmarks.{module}", *sys.argv[1:]]),
        "commit": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--", "src")),
        "machine": f"{os.cpu_count()} cores {platform.machine()}",
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
        **figures,
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)
    return path


def wilson(hits: int, total: int, z: float = 1.96) -> dict[str, float]:
    """Return a share with its 95 % Wilson interval.

    >>> wilson(9, 10)
    {'share': 0.9, 'low': 0.596, 'high': 0.982, 'n': 10}
    """
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = (centre - spread) / scale, (centre + spread) / scale
    return {"share": round(share, 4), "low": round(low, 3), "high": round(high, 3), "n": total}


def _git(*words: str) -> str:
    out = subprocess.run(["git", *words], capture_output=True, text=True, check=False, cwd=RESULTS.parent)
    return out.stdout.strip()
