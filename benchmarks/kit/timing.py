"""Time and memory: interleaved pairs in one process, the processor's seconds, the peak of whole processes."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Action = Callable[[], object]


def interleaved(
    ways: Mapping[str, Action], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Return the seconds of each way, one way after another in each round; a first round is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, action in ways.items():
            start = clock()
            action()
            if turn:
                taken[name].append(clock() - start)
    return taken


def quotient(first: Sequence[float], second: Sequence[float]) -> dict[str, float]:
    """Return the median quotient of pairs, and the tenth from either end."""
    quotients = sorted(one / other for one, other in zip(first, second, strict=True))
    low, high = quotients[len(quotients) // 10], quotients[-1 - len(quotients) // 10]
    return {"ratio": round(statistics.median(quotients), 3), "10 %": round(low, 3), "90 %": round(high, 3)}


def ratio(first: Action, second: Action, rounds: int) -> dict[str, float]:
    """Return the time of the first over that of the second, as the median of interleaved pairs."""
    return quotient(*interleaved({"first": first, "second": second}, rounds).values())


def spread(action: Action, repeats: int) -> dict[str, float]:
    """Return minimum, median and maximum seconds after one run that is not counted."""
    seconds = interleaved({"": action}, repeats)[""]
    return {name: round(of(seconds), 3) for name, of in (("min", min), ("median", statistics.median), ("max", max))}


def processor(action: Action, repeats: int = 3) -> list[float]:
    """Return the processor's seconds of each repetition after one that is not counted."""
    return interleaved({"": action}, repeats, time.process_time)[""]


def peak() -> float:
    """Return the largest resident memory of this process so far, in MiB."""
    # Not getrusage, whose figure a child takes over from the process that started it.
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


def child(function: str, *arguments: Any) -> Any:
    """Call ``module:function`` in a fresh process with JSON-ready arguments, and return its JSON-ready answer."""
    module, _, name = function.partition(":")
    code = f"import sys, json; from {module} import {name} as f; print(json.dumps(f(*json.loads(sys.argv[1]))))"
    command = [sys.executable, "-W", "ignore", "-c", code, json.dumps(arguments)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(out.stdout.splitlines()[-1])
