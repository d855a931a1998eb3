"""What an audit costs beside the drawing: the same pictures by `limn generate` and by an audit, turn and turn about.

    python -m benchmarks.audit_cost [--pictures 96] [--rounds 3]

Times are those of the processor, which another program on the machine does not change; the wall is told too. Every
round draws other seeds. An audit that is killed in the middle is continued, and its rows compared with one that ran
through.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import record
from limn import models, studio
from limn.audit.folder import Folder
from limn.audit.probe import Ask, Probe
from limn.audit.run import gather, read
from limn.audit.sources import FromGenerator
from limn.store import Store

READER = "pictograms"
ROLES = (
    "artist", "astronaut", "cook", "detective", "factory worker", "farmer", "firefighter", "guard",
    "judge", "mechanic", "office worker", "pilot", "police officer", "scientist", "singer", "teacher",
)  # fmt: skip


def probe(pictures: int, seed: int) -> Probe:
    """The roles that pictograms know, one prompt each, as many pictures as asked for or a few more."""
    asks = tuple(Ask(prompt=f"a {role}", group=role) for role in ROLES)
    return Probe(asks=asks, each=-(-pictures // len(asks)), seed=seed, paired=True)


def timed(events: Iterator[Any]) -> tuple[float, float]:
    """Run through events; seconds of the processor and of the wall."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in events:
        pass
    return time.process_time() - cpu, time.perf_counter() - wall


def cost(pictures: int, rounds: int) -> dict[str, Any]:
    """Draw the same pictures in three ways, in turns."""
    generator = models.load("emoji")
    with tempfile.TemporaryDirectory() as folder:  # load what is loaded once
        timed(gather(probe(1, seed=0), [FromGenerator(model=generator, steps=1)], [READER], Path(folder)))
    found: dict[str, list[tuple[float, float]]] = {}
    for turn in range(rounds):
        asked = probe(pictures, seed=1000 * turn)
        request = generator.request([ask.prompt for ask in asked.asks], n=asked.each, seed=asked.seed)
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            source = FromGenerator(model=generator)
            ways: dict[str, Callable[[], Iterator[Any]]] = {
                "drawn": lambda request=request: generator.draw(request),
                "generate": lambda request=request, home=home: studio.generate(
                    generator, request, Store(home / "s")
                ),
                "audit": lambda asked=asked, source=source, home=home: gather(asked, [source], [], home / "a"),
                "reading": lambda home=home: read(home / "a", [READER]),
            }
            for name, way in ways.items():
                found.setdefault(name, []).append(timed(way()))
        print(turn, {name: [round(each, 2) for each in times[-1]] for name, times in found.items()}, flush=True)
    drawn = asked.total
    middle = {name: [statistics.median(each[k] for each in times) for k in (0, 1)] for name, times in found.items()}
    return {
        "pictures": drawn,
        "rounds": rounds,
        "processor_ms_a_picture": {name: round(1000 * each[0] / drawn, 2) for name, each in middle.items()},
        "wall_ms_a_picture": {name: round(1000 * each[1] / drawn, 2) for name, each in middle.items()},
        "drawing_beside_generate": round(middle["audit"][0] / middle["generate"][0] - 1, 4),
        "with_reading_beside_generate": round(
            (middle["audit"][0] + middle["reading"][0]) / middle["generate"][0] - 1, 4
        ),
    }


def killed(pictures: int) -> dict[str, Any]:
    """Kill an audit in the middle, continue it, and compare its rows with those of one that ran through."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kill in (("through", False), ("killed", True)):
            home = Path(folder) / name
            command = [
                sys.executable,
                "-m",
                "benchmarks.audit_cost",
                "--draw",
                str(home),
                "--pictures",
                str(pictures),
            ]
            if kill:
                child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                while len(list(home.rglob("*.png"))) < pictures // 3:
                    time.sleep(0.1)
                child.send_signal(signal.SIGKILL)
                child.wait()
                before = len(list(home.rglob("*.png")))
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            table = Folder(home).table()
            rows.append(
                table.sql("SELECT * FROM rows ORDER BY ALL") + table.sql("SELECT * FROM readings ORDER BY ALL")
            )
    return {"pictures_when_killed": before, "rows": len(rows[0]), "identical": rows[0] == rows[1]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--draw", type=Path)
    options = parser.parse_args()
    if options.draw:
        timed(gather(probe(options.pictures, 0), [FromGenerator(model="emoji")], [READER], options.draw))
        return
    figures = {"threads": os.environ.get("OMP_NUM_THREADS", "all"), **cost(options.pictures, options.rounds)}
    print(record.write("audit_cost", {**figures, "killed": killed(options.pictures // 2)}))


if __name__ == "__main__":
    main()
