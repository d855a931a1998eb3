"""A collection of many captioned pictures: how fast it is built, goes on after a kill, and is looked up.

python -m benchmarks.collections --write
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.kit.results import write
from limn.kernel.prompt import Prompt
from limn.retrieve.collection import Collection, build
from limn.retrieve.lookup import Lookup

COLOURS = ("red", "green", "blue", "yellow", "orange", "purple", "grey", "brown", "pink", "black")
THINGS = ("heart", "apple", "cat", "star", "house", "boat", "tree", "cup", "fish", "moon")
ASKED = ("a red heart", "a purple boat", "number 4711", "a grey moon beside a tree", "a fish")


def pictures(folder: Path, count: int) -> None:
    """Write small pictures of random blocks, with captions that each occur once."""
    rng, lines = np.random.default_rng(0), []
    for place in range(count):
        name = f"{place // 1000:03d}/{place:06d}.png"
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
        blocks.resize((64, 64), Image.Resampling.NEAREST).save(path, compress_level=1)
        colour, thing = COLOURS[place % 10], THINGS[place // 10 % 10]
        lines.append(json.dumps({"file_name": name, "text": f"a {colour} {thing}, number {place}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), "utf-8")


def built(folder: Path, out: Path) -> None:
    for _ in build(folder, out):
        pass


def killed(folder: Path, out: Path, rows: int) -> int:
    """Build until so many rows are there, kill the process with -9, and return how many outlived it."""
    process = multiprocessing.get_context("spawn").Process(target=built, args=(folder, out))
    process.start()
    while process.is_alive() and _rows(out) < rows:
        time.sleep(0.2)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    return _rows(out)


def _rows(out: Path) -> int:
    try:
        return Collection(out).count
    except Exception:  # not there yet, or empty
        return 0


def timed(work: Callable[[], Any], times: int = 5) -> dict[str, float]:
    """Return the seconds of the first time and the median of the others."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return {"first": round(seconds[0], 3), "again": round(statistics.median(seconds[1:]), 4)}


def measure(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "pictures", Path(place) / "collection"
        folder.mkdir()
        pictures(folder, count)
        start = time.monotonic()
        left = killed(folder, out, count // 2)
        half = time.monotonic() - start
        start = time.monotonic()
        built(folder, out)
        rest = time.monotonic() - start
        start = time.monotonic()
        built(folder, out)
        nothing = time.monotonic() - start
        collection = Collection(out)
        prompts = [Prompt(text) for text in ASKED]
        lookups = {
            f"five prompts by {by}, s": timed(
                lambda by=by: Lookup(collection=str(out), by=by).neighbours(prompts, collection)  # type: ignore[misc]
            )
            for by in ("words", "meaning")
        }
        first = collection.by_words("number 4711", 1)[0].caption if count > 4711 else None
        return {
            "pictures": count,
            "rows after a kill -9 in the middle": left,
            "rows in the end": collection.count,
            "seconds to the kill": round(half, 1),
            "seconds from there to the end": round(rest, 1),
            "seconds where nothing was new": round(nothing, 1),
            "MB": round(sum(path.stat().st_size for path in out.iterdir()) / 1e6, 1),
            "the only one of its number is first": first is None or first.endswith("number 4711"),
            **lookups,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = {"load before": round(os.getloadavg()[0], 1), **measure(given.pictures)}
    print(result)
    if given.write:
        write("collections", result, "python -m benchmarks.collections --write")


if __name__ == "__main__":
    main()
