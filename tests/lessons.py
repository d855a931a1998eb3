"""Small pictures, and lessons on small models, for tests of learning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import small_models
from limn.kernel import registry
from limn.kernel.generator import Generator
from limn.personalise.loop import Learning, Plan, Progress
from limn.personalise.method import Given, Method
from limn.personalise.pictures import Shown

PLAN = Plan(steps=3, every=2, looks=1)


def pictures(folder: Path, count: int = 3, size: tuple[int, int] = (40, 30)) -> list[Path]:
    """Write pictures of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    paths = [folder / f"{place}.png" for place in range(count)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(path)
    return paths


def shown(count: int = 3, caption: str = "") -> list[Shown]:
    """Return pictures of noise."""
    rng = np.random.default_rng(3)
    arrays = [rng.integers(0, 256, (20, 20, 3), dtype=np.uint8) for _ in range(count)]
    return [
        Shown(name=f"{place}.png", sha256=str(place), picture=Image.fromarray(array), caption=caption)
        for place, array in enumerate(arrays)
    ]


def method(text: str) -> Method:
    """Return a method from its text."""
    return registry.parse("learners", text)  # type: ignore[no-any-return]


def given(generator: Generator, how: Method, count: int = 3, caption: str = "", **more: Any) -> Given:
    """Return what a method asks for, its pictures of the class drawn as noise."""
    wanted = how.ordinary()
    height, width = generator.size
    random = torch.Generator().manual_seed(1)
    prior = torch.rand(wanted[1], 3, height, width, generator=random) * 2 - 1 if wanted else None
    return Given(generator=generator, shown=shown(count, caption), prior=prior, **more)


def learning(folder: Path, text: str, generator: Generator, *, plan: Plan = PLAN, **more: Any) -> Learning:
    """Return a lesson ready to begin."""
    how = method(text)
    return Learning(how, given(generator, how, **more), plan, folder / "work", {"method": text})


def finished(lesson: Learning) -> list[Progress]:
    """Learn to the end; returns all progress."""
    return list(lesson.steps())


def native(folder: Path) -> Generator:
    """Return a small native model."""
    return small_models.native(folder)


def weights(generator: Generator) -> dict[str, torch.Tensor]:
    """Return copies of all weights of a model: network and text encoder."""
    module: Any = generator.main.predictor.network.module  # type: ignore[attr-defined]
    reader: Any = getattr(generator.main.encoder, "model", None)
    parts: list[tuple[str, Any]] = [("network", module), *([("text", reader)] if reader is not None else [])]
    return {f"{part}.{name}": tensor.clone() for part, one in parts for name, tensor in one.state_dict().items()}


def first(steps: Iterator[Progress], count: int) -> list[Progress]:
    """Take so many events, then stop as a person would."""
    taken = [next(steps) for _ in range(count)]
    steps.close()  # type: ignore[attr-defined]
    return taken
