"""Teach a model from a person's pictures: read them, draw what must stay, learn, write one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import limn
from limn import models
from limn.encoders.familiar import words_of
from limn.io.atomic import make_folder, write_text
from limn.io.pictures import read_picture
from limn.io.targets import keep_foreign
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Picture
from limn.kernel.request import Request
from limn.models.changed_folder import write_changed
from limn.personalise import learned
from limn.personalise.loop import Learning, Plan, Progress
from limn.personalise.method import Given, Method
from limn.personalise.pictures import Shown
from limn.personalise.plot import svg
from limn.personalise.trainable_weights import TrainableWeights
from limn.store import Store, read_record
from limn.studio.drawing import Drawn, Event, Failed, Kept, generate
from limn.train.batches import signed

PRIOR_SEED = 1_000_000
"""Seed of the first picture that the untouched model draws of a class."""

WORK = ".learning"
"""Ends the name of the folder, beside the file, of checkpoints, sheets and figures."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be learned.

    Args:
        method: How.
        model: Name or folder of the model.
        pictures: The person's pictures.
        out: The file, or the folder of a changed model where all weights learn.
        plan: How long.
        seed: Decides everything that is drawn.
        held: Pictures kept out of learning to measure it; as the method does when ``None``.
        licence: A note on the pictures' licence, for the record.
    """

    method: Method
    model: str
    pictures: Sequence[Shown]
    out: Path
    plan: Plan
    seed: int = 0
    held: int | None = None
    licence: str = ""

    @property
    def kept_out(self) -> int:
        """How many pictures are kept out of learning."""
        usual = 1 if self.method.stops and self.method.keeps_out and len(self.pictures) > 2 else 0
        return usual if self.held is None else self.held

    def check(self, generator: Generator, *, force: bool) -> None:
        """Refuse what cannot be done, before anything is drawn.

        Raises:
            InputError: The model does not fit, or a file is in the way.
        """
        if len(generator.stages) > 1 or generator.main.predictor.space != "clean":
            raise InputError(f"model: {generator.name} draws tokens; learn on emoji, shapes or Stable Diffusion")
        if not 0 <= self.kept_out < len(self.pictures):
            raise InputError(
                f"held: {self.kept_out} of {len(self.pictures)} pictures; leave at least one to learn from"
            )
        whole = getattr(self.method, "rank", None) == 0
        if whole == (self.out.suffix == ".safetensors"):
            wanted = (
                "a folder: all weights are a model of their own" if whole else "a file that ends in .safetensors"
            )
            raise InputError(f"out: {self.out} must be {wanted}")
        if not self.work.exists():
            keep_foreign([self.out, self.plot], force=force)

    @property
    def work(self) -> Path:
        """The folder of checkpoints, sheets and figures."""
        return self.out.with_name(self.out.stem + WORK)

    @property
    def plot(self) -> Path:
        """The curves."""
        return self.out.with_name(f"{self.out.stem}.svg")


class Teaching:
    """One thing being learned.

    Args:
        asked: What.
        store: Keeps pictures that the untouched model draws, under their request, for the next time.
        device: Where the model runs.
        force: Whether foreign files may be replaced.

    Raises:
        InputError: It cannot be done; the message says why.
    """

    def __init__(self, asked: Asked, store: Store, *, device: str = "cpu", force: bool = False) -> None:
        self.asked, self.store, self.device = asked, store, device
        self.generator = models.load(asked.model, device=device)
        asked.check(self.generator, force=force)
        make_folder(asked.out.absolute().parent)
        known = models.vocabulary(asked.model)
        self.given = Given(
            generator=self.generator,
            shown=asked.pictures,
            seed=asked.seed,
            known=known.known if known else None,
            held=asked.kept_out,
        )
        self.learning: Learning | None = None

    @property
    def unknown(self) -> list[str]:
        """Words of the kind of thing that the model has never learned."""
        known = self.given.known
        return [] if known is None else [word for word in words_of([self.asked.method.thing]) if word not in known]

    def drawing(self) -> Request | None:
        """Return what the untouched model draws before learning; ``None`` where the method needs nothing.

        It draws without guidance: those pictures are what it knows. A class learned from guided ones would be guided
        twice when it is drawn, and narrow.
        """
        wanted = self.asked.method.ordinary()
        if wanted is None:
            return None
        return self.generator.request(wanted[0], n=wanted[1], seed=PRIOR_SEED, scale=1.0)

    def draw(self, request: Request) -> Iterator[Event]:
        """Draw that, or find it in the store.

        Raises:
            InputError: A picture could not be drawn.
        """
        paths: dict[int, Path] = {}
        for event in generate(self.generator, request, self.store, device=self.device):
            if isinstance(event, Failed):
                raise InputError(
                    f"model: {self.generator.name} cannot draw {request.prompts[0].text!r}: {event.picture.flaw}"
                )
            if isinstance(event, Kept | Drawn):
                paths[event.item.index if isinstance(event, Kept) else event.picture.item.index] = event.path
            yield event
        marked = {index for index, path in paths.items() if isinstance(_mark(path), dict)}
        again = self.generator.draw(request, only=marked) if marked else ()
        drawn = {event.item.index: event.pixels for event in again if isinstance(event, Picture)}
        pictures = np.stack([drawn.get(k, np.asarray(read_picture(paths[k]))) for k in sorted(paths)])
        self.given = replace(self.given, prior=signed(pictures))

    def learn(self) -> Iterator[Progress]:
        """Learn; see :meth:`limn.personalise.loop.Learning.steps`. The same call goes on after a stop."""
        asked = self.asked
        exact(self.generator)
        self.learning = Learning(asked.method, self.given, asked.plan, asked.work, self.begun())
        yield from self.learning.steps()

    def write(self) -> Path:
        """Write what is kept of what was learned, and the curves beside it; returns the file.

        Raises:
            StoreError: It cannot be written.
        """
        asked, learning = self.asked, self.learning
        assert learning is not None, "learn first"
        change = learning.lesson.change
        if isinstance(change, TrainableWeights):
            write_changed(models.locate(asked.model), asked.out, learning.kept)
        else:
            parts = change.learned(learning.kept)
            begun = self.begun()
            recipe = {**begun["recipe"], "steps": asked.plan.steps, "kept": learning.kept_at}
            record = {**begun, "recipe": recipe, "licence": asked.licence, "limn": limn.__version__}
            learned.write(asked.out, replace(parts, record=record))
        write_text(asked.plot, svg(learning.history, learning.kept_at, asked.out.name))
        return asked.out

    def begun(self) -> dict[str, Any]:
        """Return what is learned from what, which cannot change when learning goes on; the number of steps may."""
        asked = self.asked
        plan = {name: value for name, value in asdict(asked.plan).items() if name != "steps"}
        return {
            "base": {"name": self.generator.name, "weights": self.generator.weights},
            "method": registry.name_of(asked.method),
            "recipe": {
                **registry.record(asked.method),
                **plan,
                "seed": asked.seed,
                "held": asked.kept_out,
            },
            "pictures": [{"sha256": one.sha256, "caption": one.caption} for one in asked.pictures],
        }


def _mark(path: Path) -> Any:
    """Return what a picture's record says of a mark in its pixels, which nothing must learn."""
    provenance = read_record(path).get("provenance")
    return provenance.get("mark") if isinstance(provenance, dict) else None


def exact(generator: Generator) -> None:
    """Bring a model's networks to float32, for steps too small for half precision to hold."""
    stage: Any = generator.main
    owners = (stage.predictor.network, stage.encoder, getattr(stage.codec, "autoencoder", None))
    for owner in owners:
        module = getattr(owner, "module", getattr(owner, "model", owner))
        if isinstance(module, nn.Module):
            module.float()
