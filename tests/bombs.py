"""What a call costs: a process of its own does it, and says its peak memory and its own CPU time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import limn

CODE = """
import re, sys, time
from pathlib import Path
{imports}
def held(field):
    return int(re.search(field + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
{before}
Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is held now
start, clock = held("VmRSS"), time.process_time()
try:
    {call}
    told = "no error"
except Exception as error:
    told = f"{{type(error).__name__}}: {{error}}"
print(held("VmHWM") - start, round(time.process_time() - clock, 2), told, sep="|")
"""


@dataclass(frozen=True)
class Cost:
    """Megabytes above those before the call, seconds of CPU, and what was raised."""

    megabytes: int
    seconds: float
    told: str


def cost(imports: str, call: str, *arguments: object, before: str = "") -> Cost:
    """Run a call whose arguments are ``sys.argv[1:]``; a minute later it counts as hanging."""
    code = CODE.format(imports=imports, before=before, call=call)
    paths = f"{Path(limn.__file__).parents[1]}{os.pathsep}{Path(__file__).parent}"
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    megabytes, seconds, told = result.stdout.strip().split("|", 2)
    if "LIMN_COSTS" in os.environ:  # benchmarks/faults.py makes a table of them
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].removesuffix(" (call)")
        plain = re.sub(r"/\S*/", "", told)[:80]
        row = {"test": test, "megabytes": int(megabytes), "seconds": float(seconds), "told": plain}
        with Path(os.environ["LIMN_COSTS"]).open("a") as file:
            print(json.dumps(row), file=file)
    return Cost(int(megabytes), float(seconds), told)
