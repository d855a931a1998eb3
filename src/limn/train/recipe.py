"""A recipe: everything that decides what training does, read strictly from one TOML file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from limn.io.configurations import build, read_toml
from limn.kernel.errors import InputError

__all__ = ["Data", "Objective", "Optimiser", "Recipe", "Saving", "Schedule", "parse", "read"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """What is shown.

    Args:
        world: ``pictograms`` (built by ``limn data build``), ``shapes`` or ``people`` (drawn on the fly).
        people: Which world of people, one of :data:`limn.data.people.worlds.WORLDS`.
        folder: Where the pictograms are.
        styles: Which drawing styles; all of them when empty.
        scenes: Share of pictures with two or three pictograms, captioned with their places.
        backgrounds: Share of pictures on a random colour in place of white.
        toned: Share of pictures of people in one of the five skin tones, which are most of the pictograms; 0 shows
            every picture equally often.
        autoencoder: Folder of a trained autoencoder, whose latents the model then learns, or of a ``vq``, whose
            tokens it learns.
        coarse: Folder of a trained ``vq`` whose tokens the model sees while it learns the finer ones.
        half: Half of all pictograms, held-out ones included, for one of two independent judges: ``a`` or ``b``.
        jitter: Share of pictures that are moved, scaled and softened a little, for judges of drawn pictures.
        planted: Share of shapes pictures with a triangle that show a companion which captions never mention.
        exchanged: Share of shapes captions of several objects that give two of them each other's colour.
        partial: Share of shapes captions of several objects that do not name all of them.
        look_alikes: Share of captions of people with a look-alike letter, in place of the world's own share.
    """

    world: Literal["pictograms", "shapes", "people"] = "pictograms"
    people: Literal["even", "visible", "hidden", "marked", "agnostic", "specific", "letters", "copied"] = "even"
    folder: str = "data/pictograms"
    styles: tuple[str, ...] = ()
    scenes: float = 0.0
    backgrounds: float = 0.0
    toned: float = 0.0
    autoencoder: str = ""
    coarse: str = ""
    half: Literal["", "a", "b"] = ""
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
class Objective:
    """What is minimised.

    Args:
        target: What the network answers: ``flow``, ``eps``, ``v`` or ``x0``.
        drop: Share of pictures shown without their caption, for guidance.
        partial: Share of a ``generator``'s steps that see half of the picture's lines of patches, drawn anew.
        time_mean: Mean of the normal distribution whose logistic is the noise level (Esser et al. 2024).
        time_std: Its standard deviation.
        gradients: Weight of the L1 loss of picture gradients, of an autoencoder or an upsampler.
        kl: Weight of an autoencoder's divergence from the standard normal distribution.
        commitment: Weight of the distance that draws the features of a ``vq`` to its codes.
        revive: Steps during which codes that a ``vq`` hardly uses are put where data lie.
        decoder: Train the decoder of a ``vq`` alone; its tokens stay what they are.
        features: Weight of how far apart ``judge`` sees a ``vq``'s pictures and the true ones.
        judge: A dual encoder's name or folder; one that judges the model afterwards must be another.
        look_alikes: Letters that ``unlearning`` is about.
        guided: Guidance scale that a ``distilled`` generator learns to answer with.
        forget: Largest share of the earlier tokens that an ``autoregressive`` model does not see, drawn anew for
            each picture; without it a small set of pictures is learned by heart.
    """

    target: Literal["flow", "eps", "v", "x0"] = "flow"
    drop: float = 0.1
    partial: float = 0.0
    time_mean: float = 0.0
    time_std: float = 1.0
    gradients: float = 0.5
    kl: float = 1e-4
    commitment: float = 0.25
    revive: int = 500
    decoder: bool = False
    features: float = 0.0
    judge: str = "judge_a"
    guided: float = 0.0
    forget: float = 0.0
    look_alikes: str = "\u03bf\u043e\u0647\u3147"


@dataclass(frozen=True, kw_only=True)
class Saving:
    """What is kept, and how often.

    Args:
        minutes: Minutes between checkpoints.
        sheet_minutes: Minutes between sample sheets, drawn at the next checkpoint; 0 for one at the end only.
        steps: Steps between checkpoints in place of minutes; 0 for minutes.
        prompts: What the sheets show, eight a row.
        scale: Guidance scale of the sheets.
    """

    minutes: float = 2.0
    sheet_minutes: float = 6.0
    steps: int = 0
    prompts: tuple[str, ...] = ()
    scale: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run.

    Args:
        name: What the run is called.
        task: ``generator``, ``distilled`` (a generator that needs no guidance), ``autoencoder``, ``contrastive`` (a
            dual encoder of pictures and texts), ``vq`` (pictures to tokens and back), ``masked`` or
            ``autoregressive`` (tokens from words), ``finer`` (tokens from coarser ones and words), ``reader``
            (attributes of pictures), ``unlearning`` (a generator that takes look-alike letters for what they look
            like), ``upsampling`` (larger pictures from small ones).
        seed: Every random number of the run follows from it and the step.
        ema: Decay of the averaged weights, which are the ones that ship.
        precision: ``auto`` is bfloat16 products where the device has them in hardware, else float32.
        compile: Whether the network is compiled: a minute's wait, then a sixth less time. ``auto``: on GPUs only.
        init: A checkpoint folder, a model's folder or a shipped model, from whose weights training starts.
        network: Fields of the network's configuration.
    """

    name: str
    task: Literal[
        "generator",
        "distilled",
        "autoencoder",
        "contrastive",
        "vq",
        "masked",
        "autoregressive",
        "finer",
        "reader",
        "unlearning",
        "upsampling",
    ] = "generator"
    seed: int = 0
    ema: float = 0.9995
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "yes", "no"] = "auto"
    init: str = ""
    data: Data = field(default_factory=Data)
    network: dict[str, Any] = field(default_factory=dict)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    objective: Objective = field(default_factory=Objective)
    saving: Saving = field(default_factory=Saving)

    def __post_init__(self) -> None:
        within = {
            "seed": (self.seed, 0, 2**31),
            "ema": (self.ema, 0, 0.999999),
            "data.scenes": (self.data.scenes, 0, 1),
            "data.toned": (self.data.toned, 0, 1),
            "data.jitter": (self.data.jitter, 0, 1),
            "data.planted": (self.data.planted, 0, 1),
            "data.exchanged": (self.data.exchanged, 0, 1),
            "data.partial": (self.data.partial, 0, 1),
            "data.look_alikes": (self.data.look_alikes, 0, 1),
            "data.backgrounds": (self.data.backgrounds, 0, 1),
            "optimiser.lr": (self.optimiser.lr, 1e-8, 1),
            "optimiser.batch": (self.optimiser.batch, 1, 65536),
            "optimiser.clip": (self.optimiser.clip, 1e-6, 1e6),
            "optimiser.beta2": (self.optimiser.beta2, 0, 0.99999),
            "optimiser.weight_decay": (self.optimiser.weight_decay, 0, 10),
            "schedule.minutes": (self.schedule.minutes, 0, 1e6),
            "schedule.steps": (self.schedule.steps, 0, 10**9),
            "schedule.flat": (self.schedule.flat, 0, 1),
            "schedule.floor": (self.schedule.floor, 0, 1),
            "objective.drop": (self.objective.drop, 0, 1),
            "objective.partial": (self.objective.partial, 0, 1),
            "objective.forget": (self.objective.forget, 0, 1),
            "objective.guided": (self.objective.guided, 0, 100),
            "objective.features": (self.objective.features, 0, 100),
            "objective.commitment": (self.objective.commitment, 0, 100),
            "objective.revive": (self.objective.revive, 0, 10**9),
            "objective.time_std": (self.objective.time_std, 1e-3, 100),
            "saving.minutes": (self.saving.minutes, 0, 1e6),
        }
        for name, (value, least, most) in within.items():
            if not (math.isfinite(value) and least <= value <= most):
                raise InputError(f"{name} must be from {least:g} to {most:g}, not {value}")
        if (self.schedule.minutes > 0) == (self.schedule.steps > 0):
            raise InputError("schedule: give either minutes or steps, above 0")


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
