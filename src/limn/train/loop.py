"""The training loop, a generator: progress, previews and stopping are the caller's ``for``."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.optim import Optimizer

from limn.io.atomic import append_text, make_folder, write_bytes
from limn.io.lock import Lock
from limn.io.pictures import encode_png
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError, LimnError
from limn.networks.weights import load_state
from limn.train import checkpoint as checkpoints
from limn.train import optimise
from limn.train.data_parallel import Team, gathered, share_of
from limn.train.ema import Average
from limn.train.network import recipe_of, starting
from limn.train.post_hoc_ema import Powers
from limn.train.recipe import Recipe
from limn.train.task import Task, find

METRICS = "metrics.jsonl"
_EVERY = 20  # steps a line of metrics stands for
_FREE = ("name", "schedule", "saving")  # fields that may change when a run is resumed
_FILLED = ("task", "objective")  # fields that may be written in several ways


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far training is.

    Args:
        step: Steps done.
        progress: Share of the whole that is done, in [0, 1].
        loss: Mean loss of the last steps.
        rate: Pictures a second, over the last steps.
        seconds: Seconds of training, over all sessions.
        eta: Seconds left, as far as can be told.
        saved: Whether a checkpoint was written at this step.
        sheet: The sample sheet drawn at this step.
        scores: Figures of merit of that sheet.
    """

    step: int
    progress: float
    loss: float
    rate: float
    seconds: float
    eta: float
    saved: bool = False
    sheet: Path | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def train(
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = True,
    device: str | None = None,
    workers: int = 1,
    force: bool = False,
) -> Generator[Progress, None, None]:
    """Train as a recipe says, or go on where a run in the folder stopped.

    Stopping the iteration saves a checkpoint. A killed run loses the steps since its last one; resumed, it goes on
    exactly as it would have gone, bit for bit on the same device with as many workers if the schedule counts steps.

    Args:
        recipe: What to do.
        out: Folder of checkpoints, ``metrics.jsonl`` and ``sheets/``.
        resume: Whether a run found in the folder is continued; otherwise it is an error.
        device: Where to train; a GPU if there is one.
        workers: Processes that part each batch between them (:mod:`limn.train.data_parallel`).
        force: Whether metrics and sheets that another program wrote in the folder may be replaced.

    Yields:
        Progress after each step.

    Raises:
        InputError: The recipe cannot be trained, or the folder holds a run of another one or foreign files.
        StoreError: The folder is in use or cannot be written.
        WeightsError: Its checkpoint is damaged.
        LimnError: The loss is no longer a number, or a worker has stopped.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if workers > 1 and device != "cpu":
        raise InputError(f"workers: {workers} processes are for the CPU, not {device}; leave this out")
    kind = find(recipe.task)
    make_folder(out / "sheets")
    with Lock(out / ".lock", str(out), wait=0):
        checkpoints.claim(out, [out / METRICS, *(out / "sheets").glob("*.png")], force=force)
        run = _Run(kind, recipe, out, device, resume, workers)
        with gathered(workers, run.task.network, _follow, (kind, recipe, out, device)) as run.team:
            try:
                while run.progress < 1:
                    yield run.advance()
            except GeneratorExit:
                run.save()
                raise
        if not run.drawn:  # also where a run was killed between its last checkpoint and its last sheet
            yield run.report(saved=run.save(), sheet=True)


def _follow(team: Team, kind: type[Task[Any, Any]], recipe: Recipe, out: Path, device: str) -> None:
    """Do the steps of another process than the leader's."""
    run = _Run(kind, recipe, out, device, True, team.size)
    run.team = team
    while run.learn() is not None:
        pass


class _Run:
    """Everything that changes while training."""

    def __init__(
        self, kind: type[Task[Any, Any]], recipe: Recipe, out: Path, device: str, resume: bool, workers: int
    ) -> None:
        self.recipe, self.out, self.team = recipe, out, Team()
        before = checkpoints.load(out)
        if before is not None:
            _check_same(kind, recipe_of(before), recipe, out, resume)
        self.task = kind(share_of(recipe, workers), device)
        network = self.task.network
        if before is None and recipe.init:
            load_state(network, starting(recipe.init, network), source=recipe.init)
        self.optimisers: list[Optimizer] = optimise.make(network, recipe.optimiser)
        self.average = Average(network, recipe.ema)
        self.powers = Powers(network) if recipe.saving.snapshots else None
        self.step, self.seconds = 0, 0.0
        if before is not None:
            load_state(network, before.tensors["model"], source=str(out))
            optimise.load_states(self.optimisers, before.tensors["optimiser"])
            with torch.no_grad():
                for name, weight in before.tensors["ema"].items():
                    self.average.weights[name].copy_(weight)
            if self.powers is not None:
                self.powers.load(_powers(before, out))
            self.step, self.seconds = before.step, before.seconds
        self.drawn = checkpoints.truncate_metrics(out / METRICS, self.step)
        self.saved_at, self.saved_seconds = (self.step if before else -1), self.seconds
        self.sheet_seconds = self.window = self.seconds
        self.losses: list[float] = []
        self.begun = False

    @property
    def progress(self) -> float:
        """Share of the whole that is done."""
        return self.recipe.schedule.progress(self.step, self.seconds)

    def advance(self) -> Progress:
        """Do one step; save and draw when it is time."""
        start = time.perf_counter()
        if self.step % _EVERY == 0:
            self.losses, self.window = [], self.seconds
        learned = self.learn()
        assert learned is not None  # only a leader ends training
        loss, rate = learned
        if not math.isfinite(loss):
            raise LimnError(
                f"loss is {loss} at step {self.step}; lower optimiser.lr and resume from step {self.saved_at}"
            )
        self.average.update(self.task.network, self.step)
        if self.powers is not None:
            self.powers.update(self.task.network, self.step)
        self.losses.append(loss)
        if self.begun:  # the first step of a process also reads the data and compiles
            self.seconds += time.perf_counter() - start
        self.begun = True
        return self._after(rate)

    def learn(self) -> tuple[float, float] | None:
        """Move the weights once; returns the loss and the learning rate, or None when training is over."""
        options, network = self.recipe.optimiser, self.task.network
        network.train()
        loss = self.task.loss(self.team.place(self.step))
        loss.backward()  # type: ignore[no-untyped-call]
        rate = options.lr * self.recipe.schedule.rate(self.step, self.progress)
        value, rate, going = self.team.average(network, loss, rate)
        if not going:
            return None
        optimise.set_rate(self.optimisers, rate)
        torch.nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        self.team.move(self.optimisers)
        self.step, self.drawn = self.step + 1, False
        return value, rate

    def _after(self, rate: float) -> Progress:
        saving = self.recipe.saving
        if self.powers is not None and self.step % saving.snapshots == 0:
            self.powers.write(self.out, self.step)
        if self.step % _EVERY == 0:
            progress = self.report()
            line = {"step": self.step, "loss": progress.loss, "lr": rate, "seconds": round(self.seconds, 3)}
            self._log({**line, "pictures_per_second": round(progress.rate, 2)})
        due = self.seconds - self.saved_seconds >= 60 * saving.minutes
        if not (self.step % saving.steps == 0 if saving.steps else due):
            return self.report()
        sheet = saving.sheet_minutes > 0 and self.seconds - self.sheet_seconds >= 60 * saving.sheet_minutes
        return self.report(saved=self.save(), sheet=sheet)

    def report(self, *, saved: bool = False, sheet: bool = False) -> Progress:
        """Say how far training is; draw a sheet first if asked."""
        path, scores = self._draw() if sheet else (None, {})
        count, done = len(self.losses), self.progress
        spent = self.seconds - self.window
        return Progress(
            step=self.step,
            progress=done,
            loss=sum(self.losses) / count if count else math.nan,
            rate=self.recipe.optimiser.batch * count / spent if spent > 0 else 0.0,
            seconds=self.seconds,
            eta=self.seconds * (1 - done) / done if done > 0 else math.inf,
            saved=saved,
            sheet=path,
            scores=scores,
        )

    def save(self) -> bool:
        """Write a checkpoint, unless this step has one."""
        if self.step == self.saved_at:
            return False
        mean = self._averaged()
        state = checkpoints.Checkpoint(
            step=self.step,
            seconds=self.seconds,
            recipe=asdict(self.recipe),
            tensors={
                "model": self.task.network.state_dict(),
                "ema": {**self.average.weights, **dict(mean.named_buffers())},
                "optimiser": optimise.states(self.optimisers),
                **({} if self.powers is None else {"powers": self.powers.state()}),
            },
        )
        checkpoints.save(self.out, state)
        self.saved_at, self.saved_seconds = self.step, self.seconds
        return True

    def _averaged(self) -> Any:
        network = self.task.build(self.recipe).to(self.task.device)
        self.average.fill(network)
        self.task.finish(network)
        return network

    def _draw(self) -> tuple[Path, dict[str, float]]:
        picture, scores = self.task.show(self._averaged().eval())
        path = self.out / "sheets" / f"{self.step:08d}.png"
        write_bytes(check_unlinked(self.out, path), encode_png(Image.fromarray(picture)))
        self._log({"step": self.step, "seconds": round(self.seconds, 3), "scores": scores})
        self.sheet_seconds, self.drawn = self.seconds, True
        return path, scores

    def _log(self, line: Mapping[str, Any]) -> None:
        append_text(self.out / METRICS, json.dumps(line) + "\n")


def _powers(before: checkpoints.Checkpoint, out: Path) -> dict[str, Tensor]:
    if "powers" not in before.tensors:
        raise InputError(
            f"{out}: its run began without snapshots; leave saving.snapshots at 0 or start a new folder"
        )
    return dict(before.tensors["powers"])


def _check_same(kind: type[Task[Any, Any]], before: Recipe, now: Recipe, out: Path, resume: bool) -> None:
    if not resume:
        raise InputError(f"{out}: already holds a run; resume it or choose another folder")
    same = {
        name: getattr(before, name) == value for name, value in vars(now).items() if name not in (*_FREE, *_FILLED)
    }
    same["task"] = find(before.task) is kind
    same["objective"] = same["task"] and kind.objective_of(before) == kind.objective_of(now)
    for name in (name for name, equal in same.items() if not equal):
        raise InputError(f"{out}: its run has another {name}; choose another folder or the recipe it began with")
