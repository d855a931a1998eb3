"""One run of learning, kept on the disk, so that what is measured today goes on tomorrow."""

import json
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.kit.results import OUT
from benchmarks.kit.timing import peak
from limn.kernel import registry
from limn.personalise import learned
from limn.personalise.choosing import best, finished
from limn.personalise.loop import Plan
from limn.personalise.pictures import read
from limn.personalise.trainable_weights import TrainableWeights
from limn.store import Store
from limn.studio.learning import Asked, Teaching


def runs() -> Path:
    """Return where runs are kept: with the results, where those go to a place of their own."""
    return Path(os.environ.get(OUT, "runs")) / "learning"


class Budget:
    """Minutes after which no new run begins; 0 for no end."""

    def __init__(self, minutes: float) -> None:
        self.end = time.monotonic() + 60 * minutes if minutes else float("inf")

    @property
    def over(self) -> bool:
        """Whether no new run begins."""
        return time.monotonic() > self.end


MEASURED = "as measured"
"""The way of the step that measuring chose; others are called after their steps."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """One run of learning, and what is looked at in it.

    Args:
        text: The method.
        steps: Steps; 0 lets measuring end it.
        at: Steps after which what is learned is kept, besides the step that measuring chooses.
        held: Pictures kept out of learning; as the method does when None.
        things: How many things are learned so; all if 0.
        every: Steps from one measurement to the next.
    """

    text: str
    steps: int = 0
    at: Sequence[int] = ()
    held: int | None = None
    things: int = 0
    every: int = 100

    @property
    def names(self) -> list[str]:
        """What is kept of the run."""
        return [MEASURED, *(f"{step} steps" for step in self.at)]


def taught(
    folder: Path, course: Course, files: Sequence[Path], captions: Sequence[str], *,
    seed: int, model: str = "emoji", looks: int = 4,
) -> dict[str, tuple[Path, dict[str, Any]]]:  # fmt: skip
    """Learn once and keep it; returns what was written under each of the course's names, and what it cost.

    Rates are constant, so that a run that measuring ends is the beginning of one of fixed steps.
    """
    if (known := folder / "course.json").exists():
        return {name: (Path(path), cost) for name, (path, cost) in json.loads(known.read_text("utf-8")).items()}
    method = registry.parse("learners", course.text)
    whole = getattr(method, "rank", None) == 0
    asked = Asked(
        method=method, model=model, pictures=read(files, captions), seed=seed, held=course.held,
        out=folder / ("model" if whole else "learned.safetensors"),
        plan=Plan(steps=course.steps, every=course.every, looks=looks),
    )  # fmt: skip
    shutil.rmtree(asked.work, ignore_errors=True)  # a run cut short begins again, so that its cost is whole
    teaching = Teaching(asked, Store(runs() / "store"))
    start = time.process_time()
    if (request := teaching.drawing()) is not None:
        list(teaching.draw(request))
    states: dict[int, tuple[dict[str, Any], float]] = {}
    for progress in teaching.learn():
        if progress.measured:
            weights = teaching.learning.lesson.change.weights  # type: ignore[union-attr]
            state = {name: weight.detach().clone() for name, weight in weights.items()}
            states[progress.step] = state, time.process_time() - start
    history = teaching.learning.history  # type: ignore[union-attr]
    end = next((k for k in range(1, len(history)) if finished(history[:k], asked.plan.patience)), len(history))
    places = {MEASURED: (history[best(history[:end])].step, history[end - 1].step)}
    places |= {f"{step} steps": (step, step) for step in course.at}
    written = {}
    for name, (step, last) in places.items():
        cost = {"processor": round(states[last][1], 1), "peak MiB": peak(), "steps": last, "kept": step}
        path = asked.out if whole else folder / name / "learned.safetensors"
        written[name] = _write(teaching, states[step][0], path), cost
    shutil.rmtree(asked.work)
    (folder / "history.json").write_text(
        json.dumps([[one.step, one.held, one.drift, one.copies] for one in history])
    )
    return written


def _write(teaching: Teaching, weights: dict[str, Any], path: Path) -> Path:
    change = teaching.learning.lesson.change  # type: ignore[union-attr]
    if isinstance(change, TrainableWeights):
        return teaching.write()
    path.parent.mkdir(parents=True, exist_ok=True)
    learned.write(path, replace(change.learned(weights), record=teaching.begun()))
    return path
