"""A recipe: everything that decides what training does, read strictly from one TOML file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from limn.io.configurations import build, read_toml
from limn.io.targets import check_name
from limn.kernel.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is shown.

    Args:
        world: ``pictograms`` (built by ``limn data build``), ``shapes`` or ``people`` (drawn on the fly),
            ``toys3d`` or ``cifar10`` (built by ``limn data build toys3d`` and ``limn data build cifar10``).
        people: Which world of people, one of :data:`limn.data.people.worlds.WORLDS`.
        folder: Where the pictograms, toys or photos are.
        styles: Which drawing styles; all of them when empty.
        scenes: Share of pictures with two or three pictograms, captioned with their places.
        recoloured: Share of pictures that are things in another hue, captioned with the colours measured in them.
        backgrounds: Share of pictures on a random colour in place of white.
        toned: Share of pictures of people in one of the five skin tones, which are most of the pictograms; 0 shows
            every picture equally often.
        autoencoder: Folder of a trained autoencoder, whose latents the model then learns, or of a ``vq``, whose
            tokens it learns.
        coarse: Folder of a trained ``vq`` whose tokens the model sees while it learns the finer ones.
        half: Half of all pictograms, held-out ones included, for one of two independent judges: ``a`` or ``b``.
        unseen: Share of concepts that are left out in every style (:func:`limn.data.split.unseen`).
        jitter: Share of pictures that are moved, scaled and softened a little, for judges of drawn pictures.
        planted: Share of shapes pictures with a triangle that show a companion which captions never mention.
        exchanged: Share of shapes captions of several objects that give two of them each other's colour.
        partial: Share of shapes captions of several objects that do not name all of them.
        look_alikes: Share of captions of people with a look-alike letter, in place of the world's own share.
    """

    world: Literal["pictograms", "shapes", "people", "toys3d", "cifar10"] = "pictograms"
    people: Literal["even", "visible", "hidden", "marked", "agnostic", "specific", "letters", "copied"] = "even"
    folder: str = "data/pictograms"
    styles: tuple[str, ...] = ()
    scenes: float = 0.0
    recoloured: float = 0.0
    backgrounds: float = 0.0
    toned: float = 0.0
    autoencoder: str = ""
    coarse: str = ""
    half: Literal["", "a", "b"] = ""
    unseen: float = 0.0
    jitter: float = 0.0
    planted: float = 0.0
    exchanged: float = 0.0
    partial: float = 0.0
    look_alikes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """How weights move.

    Args:
        name: ``adamw``, or ``muon`` for the matrices of the blocks with AdamW for the rest.
        lr: Peak learning rate.
        weight_decay: Of matrices.
        beta2: Decay of AdamW's second moment.
        clip: Largest gradient norm.
        batch: Pictures a step.
    """

    name: Literal["adamw", "muon"] = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    beta2: float = 0.95
    clip: float = 1.0
    batch: int = 64


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long, and how the learning rate goes; by minutes of training or by steps, one of the two.

    Args:
        minutes: Minutes of training, summed over resumed sessions.
        steps: Steps of training; the only choice under which a resumed run equals an uninterrupted one exactly.
        warmup: Steps over which the learning rate rises from 0.
        flat: Share of the whole after which it falls.
        fall: ``linear`` or ``cosine``.
        floor: Share of the peak where it ends.
    """

    minutes: float = 0.0
    steps: int = 0
    warmup: int = 200
    flat: float = 0.5
    fall: Literal["linear", "cosine"] = "linear"
    floor: float = 0.02

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the whole that is done, in [0, 1]."""
        done = step / self.steps if self.steps else seconds / 60 / self.minutes
        return min(1.0, done)

    def rate(self, step: int, progress: float) -> float:
        """Return the share of the peak learning rate for step number ``step``, counted from 0."""
        rise = min(1.0, (step + 1) / max(1, self.warmup))
        left = 1 - max(0.0, (progress - self.flat) / (1 - self.flat)) if self.flat < 1 else 1.0
        if self.fall == "cosine":
            left = 0.5 - 0.5 * math.cos(math.pi * left)
        return rise * max(self.floor, left)


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What is kept, and how often.

    Args:
        minutes: Minutes between checkpoints.
        sheet_minutes: Minutes between sample sheets, drawn at the next checkpoint; 0 for one at the end only.
        steps: Steps between checkpoints in place of minutes; 0 for minutes.
        prompts: What the sheets show, eight a row.
        scale: Guidance scale of the sheets.
        snapshots: Steps between averages that are written for post-hoc EMA; 0 for none.
    """

    minutes: float = 2.0
    sheet_minutes: float = 6.0
    steps: int = 0
    prompts: tuple[str, ...] = ()
    scale: float = 3.0
    snapshots: int = 0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run.

    Args:
        name: What the run is called.
        task: What is trained: a file of ``limn/train/tasks/``, a package's task, or any subclass of
            :class:`limn.train.task.Task`.
        seed: Every random number of the run follows from it and the step.
        ema: Decay of the averaged weights, which are the ones that ship.
        precision: ``auto`` is bfloat16 products where the device has them in hardware, else float32.
        compile: Whether the network is compiled: a minute's wait, then a sixth less time. ``auto``: on GPUs only.
        init: A checkpoint folder, a model's folder or a shipped model, from whose weights training starts.
        network: Fields of the network's configuration.
        objective: What is minimised: fields of the task's ``Objective``.
    """

    name: str
    task: str = "generator"
    seed: int = 0
    ema: float = 0.9995
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "yes", "no"] = "auto"
    init: str = ""
    data: Data = field(default_factory=Data)
    network: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    saving: Saving = field(default_factory=Saving)

    def __post_init__(self) -> None:
        check_name(self.name, "name")
        within(self, seed=(0, 2**31), ema=(0, 0.999999))
        shares = [item.name for item in dataclasses.fields(Data) if item.type == "float"]
        within(self.data, "data.", **dict.fromkeys(shares, (0, 1)))
        within(self.optimiser, "optimiser.", lr=(1e-8, 1), batch=(1, 65536), clip=(1e-6, 1e6))
        within(self.optimiser, "optimiser.", beta2=(0, 0.99999), weight_decay=(0, 10))
        within(self.schedule, "schedule.", minutes=(0, 1e6), steps=(0, 10**9), flat=(0, 1), floor=(0, 1))
        within(self.saving, "saving.", minutes=(0, 1e6), snapshots=(0, 10**9))
        if (self.schedule.minutes > 0) == (self.schedule.steps > 0):
            raise InputError("schedule: give either minutes or steps, above 0")


def within(fields: object, section: str = "", **bounds: tuple[float, float]) -> None:
    """Check that the values of fields lie within bounds, both included.

    Args:
        fields: Any object with the fields.
        section: What stands before a name in the message, such as ``schedule.``.
        bounds: (least, most) of each field.

    Raises:
        InputError: A value is out of bounds or no number.
    """
    for name, (least, most) in bounds.items():
        value = getattr(fields, name)
        if not (math.isfinite(value) and least <= value <= most):
            raise InputError(f"{section}{name} must be from {least:g} to {most:g}, not {value}")


def read(path: Path) -> Recipe:
    """Read a recipe.

    Args:
        path: A TOML file, or the name of a recipe that comes with limn.

    Raises:
        InputError: The file cannot be read, or a field is unknown, missing, of another type or out of range.
    """
    folder = Path(__file__).parent / "recipes"
    shipped = folder / f"{path.name}.toml"
    path = shipped if path == Path(path.name) and shipped.is_file() else path
    if not path.is_file():
        names = ", ".join(sorted(recipe.stem for recipe in folder.glob("*.toml")))
        raise InputError(f"{path}: cannot be read, no such file; shipped recipes: {names}")
    fields = read_toml(path)
    try:
        return parse(fields)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def parse(fields: Mapping[str, Any]) -> Recipe:
    """Build a recipe from nested fields; see :func:`read`.

    >>> parse({"name": "tiny", "schedule": {"steps": 10}}).optimiser.batch
    64
    """
    return build(Recipe, fields, what="recipe field")
