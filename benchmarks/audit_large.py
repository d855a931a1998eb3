"""An audit of 2,000 emoji pictures: minutes, pictures a second, and the same audit killed and continued.

python -m benchmarks.audit_large [--n 50] [--kill-after 60]
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.record import write
from limn.audit.folder import Folder

STUDY = "stereotypes:world=pictograms"


def main() -> None:
    """Measure and write ``results/audit_large.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--n", type=int, default=50, help="pictures for each of 40 prompts")
    arguments.add_argument("--kill-after", type=float, default=60, help="seconds")
    chosen = arguments.parse_args()
    home = Path(tempfile.mkdtemp())
    start = time.perf_counter()
    _audit(home / "through", chosen.n).wait()
    seconds = time.perf_counter() - start
    killed = _audit(home / "killed", chosen.n)
    time.sleep(chosen.kill_after)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    kept = len(list((home / "killed").rglob("*.png")))
    _audit(home / "killed", chosen.n).wait()
    through, again = (Folder(home / name).table() for name in ("through", "killed"))
    figures = {
        "study": STUDY,
        "pictures": len(through),
        "minutes": round(seconds / 60, 2),
        "pictures a second, reading and report included": round(len(through) / seconds, 2),
        "pictures there when it was killed": kept,
        "rows and readings equal after going on": through.rows == again.rows,
    }
    print(figures)
    print(write("audit_large", figures))
    shutil.rmtree(home)


def _audit(folder: Path, n: int) -> subprocess.Popen[bytes]:
    words = ["-m", "limn", "audit", STUDY, "--model", "emoji", "--n", str(n), "--out", str(folder)]
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
