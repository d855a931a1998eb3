"""The loop of learning: steps, measurements, checkpoints that survive a kill, and the step that is kept."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from limn.io.atomic import append_text, make_folder, write_bytes
from limn.io.configurations import parse_json
from limn.io.lock import Lock
from limn.io.pictures import encode_png
from limn.io.targets import check_unlinked
from limn.kernel.encodings import Encodings
from limn.kernel.errors import InputError, LimnError, WeightsError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.personalise.choosing import Measured, best, finished
from limn.personalise.denoising import Denoiser, Rows
from limn.personalise.measuring import Gauge
from limn.personalise.method import Given, Lesson, Method
from limn.train import checkpoint as checkpoints
from limn.train import optimise
from limn.train.checkpoint import Checkpoint
from limn.train.sheet import grid

METRICS = "metrics.jsonl"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long is learned, and how often is looked.

    Args:
        steps: So many, and the last is kept; 0 lets measuring choose.
        every: Steps from one measurement to the next.
        patience: Measurements without a better one after which learning ends.
        looks: Pictures drawn at each measurement.
    """

    steps: int = 0
    every: int = 50
    patience: int = 5
    looks: int = 4

    def __post_init__(self) -> None:
        for name, low, high in (("steps", 0, 10**6), ("every", 1, 10**6), ("patience", 1, 1000), ("looks", 0, 64)):
            if not low <= (value := getattr(self, name)) <= high:
                raise InputError(f"{name} must be from {low} to {high}, not {value}")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far learning is.

    Args:
        step: Steps done.
        most: Steps after which it ends at the latest.
        loss: Mean loss of the steps since the last measurement.
        seconds: Seconds of learning, over all sessions.
        measured: What was measured at this step.
        sheet: The pictures drawn at this step.
    """

    step: int
    most: int
    loss: float
    seconds: float
    measured: Measured | None = None
    sheet: Path | None = None

    @property
    def eta(self) -> float:
        """Seconds left, if it goes on to the end."""
        return self.seconds * (self.most - self.step) / self.step if self.step else math.inf


class Learning:
    """One run of a method; iterate over :meth:`steps`, then :attr:`kept` is what was learned.

    A killed run loses the steps since its last measurement; resumed, it goes on exactly as it would have gone.

    Args:
        method: How.
        given: From what.
        plan: How long.
        out: Folder of checkpoints, ``metrics.jsonl`` and ``sheets/``.
        record: Says what is learned from what: a run in the folder must have the same.

    Raises:
        InputError: The model or the pictures do not fit, or the folder holds another run or foreign files.
    """

    def __init__(self, method: Method, given: Given, plan: Plan, out: Path, record: Mapping[str, Any]) -> None:
        self.method, self.given, self.plan, self.out = method, given, plan, out
        self.record = json.loads(json.dumps(record))
        self.most = plan.steps or method.most
        self.lesson: Lesson = method.lesson(given)
        self.denoiser = Denoiser(given.stage)
        self.history: list[Measured] = []
        self.step, self.seconds = 0, 0.0
        weights = list(self.lesson.change.weights.values())
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(weights, lr=method.lr, betas=(0.9, 0.999), weight_decay=0.0)
        ]
        self.kept = self._weights()
        self._encodings = Encodings(given.stage.encoder)

    def steps(self) -> Iterator[Progress]:
        """Learn; stopping the iteration keeps the best so far.

        Yields:
            Progress after each step, and first what was measured before any.

        Raises:
            StoreError: The folder is in use or cannot be written.
            WeightsError: Its checkpoint is damaged.
            LimnError: The loss is no longer a number.
        """
        make_folder(self.out / "sheets")
        with Lock(self.out / ".lock", str(self.out), wait=0):
            checkpoints.claim(self.out, [self.out / METRICS, *(self.out / "sheets").glob("*.png")])
            gauge = Gauge(self.given, self.lesson, looks=self.plan.looks)
            self._resume()
            if not self.history:
                yield self._measure(gauge, math.nan)
            losses: list[float] = []
            while not self.over:
                start = time.perf_counter()
                losses.append(self._learn())
                self.seconds += time.perf_counter() - start
                if self.step % self.plan.every and self.step < self.most:
                    yield self._progress(losses)
                else:
                    yield self._measure(gauge, sum(losses) / len(losses))
                    losses = []

    @property
    def over(self) -> bool:
        """Whether all steps are done, or measuring says that it is enough."""
        free = self.method.stops and not self.plan.steps
        return self.step >= self.most or (free and finished(self.history, self.plan.patience))

    @property
    def kept_at(self) -> int:
        """The step that is kept."""
        return self.history[self._best()].step if self.history else 0

    def _best(self) -> int:
        """Return the place in the history of what is kept: where measuring chooses, the best; else the last."""
        free = self.method.stops and not (self.plan.steps and self.step >= self.most)
        return best(self.history) if free else len(self.history) - 1

    def _learn(self) -> float:
        """Move the weights once; returns the loss."""
        change = self.lesson.change
        generator = torch.Generator().manual_seed(
            int(np.random.default_rng([self.given.seed, 7, self.step]).integers(2**62))
        )
        rows = self.lesson.rows(self.step, generator)
        noise = self.denoiser.noise(rows.clean, generator)
        with change.on(rows.boxes):
            loss = self._loss(rows, noise)
        loss.backward()  # type: ignore[no-untyped-call]
        if not math.isfinite(value := float(loss.detach())):
            raise LimnError(f"loss is {value} at step {self.step}; lower lr and begin in a new folder")
        torch.nn.utils.clip_grad_norm_(list(change.weights.values()), 1.0)
        optimise.set_rate(
            self.optimisers, self.lesson.change.scale * self.method.lr * min(1.0, (self.step + 1) / 20)
        )
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        change.settle()
        self.step += 1
        return value

    def _loss(self, rows: Rows, noise: Any) -> Tensor:
        change = self.lesson.change
        encoder = (change.encoder or self.given.stage.encoder) if change.reads else self._encodings
        asked = encoder.encode([Ask(Prompt(text)) for text in rows.captions])
        errors = self.denoiser.errors(rows.clean, noise, asked)
        return (errors * rows.weights.to(errors)).sum()

    def _measure(self, gauge: Gauge, loss: float) -> Progress:
        start = time.perf_counter()
        measured, pictures = gauge(self.step)
        self.history.append(measured)
        if self._best() == len(self.history) - 1:
            self.kept = self._weights()
        sheet = None
        if pictures is not None:
            sheet = check_unlinked(self.out, self.out / "sheets" / f"{self.step:06d}.png")
            write_bytes(sheet, encode_png(Image.fromarray(grid(pictures, min(8, len(pictures))))))
        append_text(self.out / METRICS, json.dumps({**asdict(measured), "loss": _plain(loss)}) + "\n")
        self.seconds += time.perf_counter() - start
        self._save()
        return Progress(
            step=self.step, most=self.most, loss=loss, seconds=self.seconds, measured=measured, sheet=sheet
        )

    def _progress(self, losses: list[float]) -> Progress:
        return Progress(step=self.step, most=self.most, loss=sum(losses) / len(losses), seconds=self.seconds)

    def _weights(self) -> dict[str, Tensor]:
        return {name: weight.detach().cpu().clone() for name, weight in self.lesson.change.weights.items()}

    def _save(self) -> None:
        parts = {"model": self._weights(), "ema": self.kept, "optimiser": optimise.states(self.optimisers)}
        state = Checkpoint(step=self.step, seconds=self.seconds, recipe=self.record, tensors=parts)
        checkpoints.save(self.out, state)

    def _resume(self) -> None:
        before = checkpoints.load(self.out)
        if before is None:
            return
        for name in {**self.record, **before.recipe}:
            if self.record.get(name) != before.recipe.get(name):
                raise InputError(f"{self.out}: its run has another {name}; name another --out, or remove the folder")
        fill(self.lesson.change.weights, before.tensors["model"], str(self.out))
        optimise.load_states(self.optimisers, before.tensors["optimiser"])
        self.kept, self.step, self.seconds = dict(before.tensors["ema"]), before.step, before.seconds
        checkpoints.truncate_metrics(self.out / METRICS, self.step)
        self.history = history(self.out)


def fill(weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy tensors into what learns.

    Raises:
        WeightsError: They are not those that learn.
    """
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    if shapes != {name: weight.shape for name, weight in weights.items()}:
        raise WeightsError(f"{source}: its tensors are not those that learn here; begin in a new folder")
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(tensors[name])


def history(folder: Path) -> list[Measured]:
    """Return what was measured in a run's folder.

    Raises:
        WeightsError: The file is damaged.
    """
    path = folder / METRICS
    try:
        lines = [parse_json(path, line.encode()) for line in path.read_text("utf-8").splitlines()]
        return [Measured(**{name: value for name, value in line.items() if name != "loss"}) for line in lines]
    except (OSError, TypeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); begin in a new folder") from None


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
