"""How exact and how fast are the readers of the laboratory worlds? Writes ``results/laboratory.json``."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # so that CPU time is time on one core

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import write
from limn.data import people, shapes

Floats = NDArray[np.floating[Any]]


def blur(pictures: Floats, sigma: float) -> Floats:
    """Gaussian blur of (n, height, width, channels); sigma in pixels."""
    weights = np.exp(-(np.arange(-5, 6) ** 2) / (2 * sigma**2))
    for axis in (1, 2):
        wide = np.pad(pictures, [(5, 5) if k == axis else (0, 0) for k in range(4)], mode="edge")
        length = pictures.shape[axis]
        pictures = sum(w * wide.take(range(k, k + length), axis=axis) for k, w in enumerate(weights / weights.sum()))
    return pictures


def damages(rng: np.random.Generator) -> dict[str, Callable[[Floats], Floats]]:
    """Ways in which a drawn picture differs from a rendered one."""
    noise = {f"noise {s}": lambda x, s=s: np.clip(x + rng.normal(0, s, x.shape), 0, 1) for s in (0.05, 0.1, 0.15)}
    soft = {f"blur {s} px": lambda x, s=s: blur(x, s) for s in (0.5, 0.7, 1.0, 1.5)}
    tint = {f"tint {s}": lambda x, s=s: x + rng.uniform(-s, s, (len(x), 1, 1, 3)) for s in (0.05, 0.1, 0.15)}
    both = {"blur 0.7 px, noise 0.05": lambda x: blur(x, 0.7) + rng.normal(0, 0.05, x.shape)}
    moved = {
        f"moved {s} px": lambda x, s=s: np.concatenate([x[:, :, :1].repeat(s, 2), x[:, :, :-s]], 2) for s in (1, 2)
    }
    return {"none": lambda x: x, **noise, **soft, **tint, **both, **moved}


def exactness(pictures: NDArray[np.uint8], truth: list[Any], read: Callable[..., list[Any]], whole: str) -> Any:
    """Shares read exactly, unreadable in part, and wrong, under each damage."""
    rows = {}
    for name, damage in damages(np.random.default_rng(1)).items():
        readings = read(damage(pictures / 255))
        told = [getattr(reading, whole) for reading in readings]
        rows[name] = {
            "exact": float(np.mean([a == b for a, b in zip(told, truth, strict=True)])),
            "unreadable": float(np.mean([a is None for a in told])),
            "wrong": float(np.mean([a is not None and a != b for a, b in zip(told, truth, strict=True)])),
            "mean margin": round(float(np.mean([reading.margin for reading in readings])), 3),
        }
        print(name, rows[name])
    return rows


def rate(count: int, work: Callable[[], object]) -> int:
    """Pictures a core-second, the best of three."""
    work()
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return round(count / min(seconds))


def caption_all(world: Any, truth: list[Any]) -> list[str]:
    """Describe every picture once."""
    rng = np.random.default_rng(2)
    return [world.caption(each, rng) for each in truth]


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", type=int, default=2000)
    count = arguments.parse_args().pictures
    figures: dict[str, Any] = {"pictures": count}
    for name, world, whole in (("shapes", shapes, "scene"), ("people", people, "person")):
        wide = {"split": "all"} if name == "shapes" else {"population": people.Population()}
        pictures, truth = world.batch(np.random.default_rng(0), count, **wide)
        figures[name] = {
            "drawn a core-second": rate(
                count, lambda w=world, k=wide: w.batch(np.random.default_rng(3), count, **k)
            ),
            "captions a core-second": rate(count, lambda w=world, t=truth: caption_all(w, t)),
            "read a core-second": rate(count, lambda w=world, p=pictures: w.read_all(p)),
            "reading": exactness(pictures, truth, world.read_all, whole),
            "noise taken for a picture": sum(
                getattr(reading, whole) is not None
                for reading in world.read_all(np.random.default_rng(4).random((count, 32, 32, 3)))
            ),
        }
    print(write("laboratory", figures))


if __name__ == "__main__":
    main()
