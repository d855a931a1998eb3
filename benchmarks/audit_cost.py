"""What an audit costs beside the drawing: the same pictures by `limn generate` and by an audit, turn and turn about.

Times are those of the processor, which another program on the machine does not change; the wall is told too. Every
round draws other seeds. That a killed audit goes on and ends the same is measured by ``audit_large``.
"""

import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.kit.drawing import generator_of
from benchmarks.kit.results import rounded
from benchmarks.kit.run import run
from limn import studio
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


def measure(*, pictures: int = 96, rounds: int = 3) -> dict[str, Any]:
    generator = generator_of("emoji")
    source = FromGenerator(model=generator)
    with tempfile.TemporaryDirectory() as folder:  # load what is loaded once
        timed(gather(probe(1, seed=0), [FromGenerator(model=generator, steps=1)], [READER], Path(folder)))
    taken = defaultdict[str, list[tuple[float, float]]](list)
    for turn in range(rounds):
        asked = probe(pictures, seed=1000 * turn)
        request = generator.request([ask.prompt for ask in asked.asks], n=asked.each, seed=asked.seed)
        with tempfile.TemporaryDirectory() as folder:
            home, store = Path(folder), Store(Path(folder) / "s")
            ways: dict[str, Callable[[], Iterator[Any]]] = {
                "drawn": lambda request=request: generator.draw(request),
                "generate": lambda request=request, store=store: studio.generate(generator, request, store),
                "audit": lambda asked=asked, home=home: gather(asked, [source], [], home / "a"),
                "reading": lambda home=home: read(home / "a", [READER]),
            }
            for name, way in ways.items():
                taken[name].append(timed(way()))
        print(turn, {name: times[-1] for name, times in taken.items()}, flush=True)
    drawn = asked.total
    cpu, wall = (
        {name: 1000 * statistics.median(time[k] for time in times) / drawn for name, times in taken.items()}
        for k in (0, 1)
    )
    return {
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "pictures": drawn,
        "rounds": rounds,
        "processor_ms_a_picture": rounded(cpu, 2),
        "wall_ms_a_picture": rounded(wall, 2),
        "drawing_beside_generate": round(cpu["audit"] / cpu["generate"] - 1, 4),
        "with_reading_beside_generate": round((cpu["audit"] + cpu["reading"]) / cpu["generate"] - 1, 4),
    }


if __name__ == "__main__":
    run(measure, quick={"pictures": 1, "rounds": 1})
