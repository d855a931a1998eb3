"""An audit of 2,000 emoji pictures: minutes, pictures a second, and the same audit killed and continued."""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.kit.run import run
from limn.audit.folder import Folder

STUDY = "stereotypes:world=pictograms"


def audit(folder: Path, n: int, kill_after: float = 0) -> int:
    """Audit the emoji model; kill the process after so many seconds, and return how many pictures were there."""
    words = ["-m", "limn", "audit", STUDY, "--model", "emoji", "--n", str(n), "--out", str(folder)]
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    if kill_after:
        time.sleep(kill_after)
        process.send_signal(signal.SIGKILL)
    process.wait()
    return len(list(folder.rglob("*.png")))


def measure(*, n: int = 50, kill_after: float = 60) -> dict[str, Any]:
    """Return how long ``n`` pictures of each of 40 prompts take, and whether a killed audit ends the same."""
    with tempfile.TemporaryDirectory() as home:
        whole, killed = Path(home) / "through", Path(home) / "killed"
        start = time.perf_counter()
        audit(whole, n)
        seconds = time.perf_counter() - start
        before = audit(killed, n, kill_after)
        audit(killed, n)
        through, again = (Folder(folder).table() for folder in (whole, killed))
        return {
            "study": STUDY,
            "pictures": len(through),
            "minutes": round(seconds / 60, 2),
            "pictures a second, reading and report included": round(len(through) / seconds, 2),
            "pictures there when it was killed": before,
            "rows and readings equal after going on": through.rows == again.rows,
        }


if __name__ == "__main__":
    run(measure, quick={"n": 1, "kill_after": 5})
