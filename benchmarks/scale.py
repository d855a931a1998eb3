"""Drawing by several processes: the same pictures, how much faster, and what a killed worker costs.

Each worker has one thread, so with two on two cores nothing else should be at work while this measures.
"""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from benchmarks.kit.run import run
from limn.audit.probe import Ask, Probe
from limn.audit.run import gather
from limn.audit.sources import FromGenerator
from limn.io.cluster import Cluster
from limn.store.png import read_record

THINGS = (
    "a red heart", "a green apple", "a dog face", "a rocket",
    "a yellow star", "an umbrella", "a frog", "a house",
)  # fmt: skip


def drawn(
    folder: Path, n: int, workers: int, meanwhile: Callable[[int], None] = lambda done: None
) -> dict[str, Any]:
    """Draw n pictures of each thing; returns seconds in all, and pictures a second from the first answer on."""
    probe = Probe(asks=tuple(Ask(prompt=text) for text in THINGS), each=n)
    engine = Cluster(workers=workers) if workers else None
    marks = [(time.monotonic(), 0)]
    for event in gather(probe, [FromGenerator(model="emoji", together=16)], [], folder, engine=engine):
        if getattr(event, "stage", "") == "drawing":
            marks.append((time.monotonic(), event.done))
            meanwhile(event.done)
    first = next(k for k, (_, done) in enumerate(marks) if done)
    seconds, pictures = marks[-1][0] - marks[first][0], marks[-1][1] - marks[first][1]
    return {
        "seconds in all": round(marks[-1][0] - marks[0][0], 1),
        "pictures a second": round(pictures / seconds, 2),
    }


def pictures(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of the pixels of every picture by its key."""
    found = {}
    for path in (folder / "pictures").rglob("*.png"):
        record = read_record(path, whole=True)["audit"]
        found[record["key"]] = record["sha256"]
    return found


def kill_one() -> None:
    """Kill a worker, as if its machine had gone."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    pids = [line.split()[0] for line in listed.splitlines() if "ray::_Worker" in line]
    os.kill(int(pids[0]), signal.SIGKILL)


def measure(*, n: int = 60, repeats: int = 3) -> Mapping[str, Any]:
    """Draw the same pictures in one process, by one worker, by two, and by two of which one is killed."""
    torch.set_num_threads(1)
    result: dict[str, Any] = {"pictures": n * len(THINGS), "repeats": repeats}
    ways: dict[str, list[dict[str, Any]]] = {"one process": [], "1 worker": [], "2 workers": []}
    same = True
    with tempfile.TemporaryDirectory() as home:
        for number in range(repeats):
            for workers, name in enumerate(ways):
                folder = Path(home) / f"{number}-{workers}"
                ways[name].append(drawn(folder, n, workers))
                same &= pictures(folder) == pictures(Path(home) / "0-0")
        killed: list[int] = []

        def kill(done: int) -> None:
            if not killed and done >= n * len(THINGS) // 4:
                kill_one()
                killed.append(done)

        drawn(Path(home) / "killed", n, 2, kill)
        result["pictures there when a worker was killed"] = killed[0]
        result["equal set after the kill"] = pictures(Path(home) / "killed") == pictures(Path(home) / "0-0")
    rate = {name: sorted(row["pictures a second"] for row in rows)[repeats // 2] for name, rows in ways.items()}
    result |= {f"{name}: pictures a second": value for name, value in rate.items()}
    result |= {f"{name}: seconds in all": rows[0]["seconds in all"] for name, rows in ways.items()}
    result["same pictures, bit for bit"] = same
    result["efficiency of 2 workers"] = round(rate["2 workers"] / 2 / rate["1 worker"], 3)
    return result


if __name__ == "__main__":
    run(measure, quick={"n": 4, "repeats": 1})
