"""How exact and how fast are the readers of the laboratory worlds?"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # so that CPU time is time on one core

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from benchmarks.kit.run import run
from benchmarks.kit.timing import processor
from limn.data import people, shapes

Floats = NDArray[np.floating[Any]]


def blur(pictures: Floats, sigma: float) -> Floats:
    """Gaussian blur of (n, height, width, channels); sigma in pixels."""
    soft: Floats = gaussian_filter(pictures, (0, sigma, sigma, 0), mode="nearest", radius=(0, 5, 5, 0))
    return soft


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
    return round(count / min(processor(work)))


def measure(*, pictures: int = 2000) -> dict[str, Any]:
    figures: dict[str, Any] = {"pictures": pictures}
    worlds = {
        "shapes": (shapes, "scene", {"split": "all"}),
        "people": (people, "person", {"population": people.Population()}),
    }
    for name, (world, whole, wide) in worlds.items():
        shown, truth = world.batch(np.random.default_rng(0), pictures, **wide)  # type: ignore[attr-defined]
        figures[name] = speeds(world, shown, truth, wide) | {
            "reading": exactness(shown, truth, world.read_all, whole),  # type: ignore[attr-defined]
            "noise taken for a picture": sum(
                getattr(reading, whole) is not None
                for reading in world.read_all(np.random.default_rng(4).random((pictures, 32, 32, 3)))  # type: ignore[attr-defined]
            ),
        }
    return figures


def speeds(world: Any, pictures: NDArray[np.uint8], truth: list[Any], wide: dict[str, Any]) -> dict[str, Any]:
    """Return how many pictures are drawn, described and read in a core-second."""
    count = len(pictures)

    def describe() -> list[str]:
        rng = np.random.default_rng(2)
        return [world.caption(scene, rng) for scene in truth]

    return {
        "drawn a core-second": rate(count, lambda: world.batch(np.random.default_rng(3), count, **wide)),
        "captions a core-second": rate(count, describe),
        "read a core-second": rate(count, lambda: world.read_all(pictures)),
    }


if __name__ == "__main__":
    run(measure, quick={"pictures": 20})
