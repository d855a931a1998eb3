"""What is drawn anew of a picture, by models of tokens and by models that denoise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from limn.edit.pictures import draws_tokens, image_of, state_of
from limn.kernel.codec import HIDDEN, solid
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.known import KNOWN, known, touched
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.sampler import Predict
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from limn.kernel.walk import Walk
from limn.samplers.inversion import inverted

Inside = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
"""Which pixels of a picture are drawn anew (height, width)."""


@dataclass(frozen=True, kw_only=True)
class Repainting(Edit, ABC):
    """Base of edits that draw a picture anew, all of it or where a mask says.

    Models of tokens hide the tokens that the mask touches and draw them (Chang et al. 2023, section 3.3). Models
    that denoise start from the picture's state with noise (SDEdit; Meng et al. 2022) and, at every step, take what
    is known for the answer outside the cells that the mask touches, so that any sampler keeps it.

    Args:
        picture: The picture as hexadecimal text of a PNG, of the model's size; see :meth:`of`.
        strength: How far back a walk over noise starts: the last ``int(strength * steps)`` steps are taken.
        resample: How often each step is walked, with noise in between (RePaint; Lugmayr et al. 2022); above 1 every
            step stands by itself, so that samplers that look back are of first order.
        invert: Start from the picture's own noise, found by walking back, in place of random noise.
        source: With ``invert``, words for what the picture shows.
        refine: With ``invert``, how often each step back is corrected (:mod:`limn.samplers.inversion`).
    """

    picture: str = ""
    strength: float = 1.0
    resample: int = 1
    invert: bool = False
    source: str = ""
    refine: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.strength <= 1:
            raise InputError(f"strength: {self.strength} is not allowed; give a number above 0 and up to 1")
        for name, low in (("resample", 1), ("refine", 0)):
            if not low <= getattr(self, name) <= 100:
                raise InputError(f"{name}: {getattr(self, name)} is not allowed; give a number from {low} to 100")
        if self.source and not self.invert:
            raise InputError("source: says what the picture shows while its noise is found; add --invert")

    @abstractmethod
    def window(self, size: tuple[int, int]) -> tuple[Pixels, Inside | None]:
        """Return what the model sees of the picture, and which pixels of it are drawn anew; None for all.

        Args:
            size: Height and width in pixels that the model edits.
        """

    def check(self, stage: Stage, size: tuple[int, int]) -> None:
        """Refuse a stage that cannot edit in this way; see :meth:`Edit.check`."""
        picture, inside = self.window(size)
        if inside is not None and solid(stage.codec):
            raise InputError(
                "edit: a part of a thing in three dimensions cannot be drawn anew; leave the region out"
            )
        if draws_tokens(stage) and (self.strength, self.resample, self.invert) != (1.0, 1, False):
            raise InputError("strength, resample, invert: are about noise, this model draws tokens; leave them out")
        image_of(stage, picture, size)

    def steps(self, count: int) -> int:
        """Return how many steps are walked where ``count`` are asked for; see :meth:`Edit.steps`."""
        taken = int(count * self.strength)
        if not taken:
            raise InputError(f"strength: {self.strength} of {count} steps is none; give at least {1 / count:.2g}")
        return taken + (taken - 1) * (self.resample - 1) + taken * self.invert

    def given(self, stage: Stage, size: tuple[int, int]) -> Mapping[str, Tensor]:
        """Return what is known of the picture, for a network that reads it; see :meth:`Edit.given`."""
        picture, inside = self.window(size)
        if not stage.known or inside is None:
            return {}
        with torch.no_grad():
            hole = torch.from_numpy(inside)[None].to(stage.device)
            return {KNOWN: known(stage.codec, image_of(stage, picture, size), hole)}

    def start(self, stage: Stage, size: tuple[int, int]) -> Tensor:
        """Return the picture's state, of tokens with those hidden that the mask touches; see :meth:`Edit.start`."""
        picture, inside = self.window(size)
        state = state_of(stage, picture, size)
        if not draws_tokens(stage) or inside is None:
            return state
        return state.masked_fill(self._cells(stage, inside).flatten(1), HIDDEN)

    def walk(self, walk: Walk, stage: Stage, size: tuple[int, int]) -> Iterator[Step]:
        """Walk from the picture with noise, or from its own; see :meth:`Edit.walk`."""
        if draws_tokens(stage):
            yield from super().walk(walk, stage, size)
            return
        _, inside = self.window(size)
        clean, count = self.start(stage, size), len(walk.levels) - 1
        levels = walk.levels[count - int(count * self.strength) :]
        keep = None if inside is None or not stage.blends else ~self._cells(stage, inside)
        if self.invert:
            for step in inverted(walk.plain(Prompt(self.source)), clean, levels, refine=self.refine):
                yield step
            x = step.x.expand(len(walk.streams), *clean.shape[1:])
        else:
            x = self._noisy(walk, clean, levels[0], keep, all_anew=inside is not None and self.strength == 1)
        if keep is not None:
            walk = replace(walk, predict=_keeping(walk.predict, clean, keep))
        for step in resampled(replace(walk, levels=levels), x, self.resample):
            last = keep is not None and step.next == levels[-1]  # which may have a little noise left
            yield replace(step, x=torch.where(keep, clean, step.x)) if last else step  # type: ignore[arg-type]

    def _noisy(self, walk: Walk, clean: Tensor, level: Level, keep: Tensor | None, *, all_anew: bool) -> Tensor:
        """Return the picture's states with noise; where all is drawn anew, no trace of it is left."""
        noise = walk.noise()
        x = level.alpha * clean + level.sigma * noise
        if not all_anew:
            return x
        return noise * walk.scale if keep is None else torch.where(keep, x, noise * walk.scale)

    def _cells(self, stage: Stage, inside: Inside) -> Tensor:
        """Return which cells of a state the mask touches, (1, 1, rows, columns)."""
        height, width = inside.shape
        rows = height // stage.codec.multiple if draws_tokens(stage) else stage.codec.shape(height, width)[1]
        return touched(torch.from_numpy(inside)[None], rows).to(stage.device)


def _keeping(predict: Predict, clean: Tensor, keep: Tensor) -> Predict:
    """Return what answers with what is known where it is known."""

    def answer(step: Step) -> Tensor:
        return torch.where(keep, clean, predict(step))

    return answer


def resampled(walk: Walk, start: Tensor, times: int) -> Iterator[Step]:
    """Walk each step but the first several times, with noise back to its level in between (Lugmayr et al. 2022).

    Args:
        walk: Who walks, over which levels.
        start: State at the first level (pictures, ...).
        times: How often; 1 walks as usual.

    Yields:
        Each step, counted over the whole walk.
    """
    if times == 1:
        yield from walk(start)
        return
    x, total = start, len(walk.levels) - 1
    for index, (here, there) in enumerate(pairwise(walk.levels)):
        part = replace(walk, levels=(here, there), predict=_counted(walk.predict, index, total))
        for turn in range(times if index else 1):
            if turn:
                ratio = here.alpha / there.alpha
                fresh = walk.streams.normal(x.shape[1:]).to(x)
                x = ratio * x + (here.sigma**2 - (ratio * there.sigma) ** 2) ** 0.5 * fresh
            for step in part(x):
                x = step.x
                yield replace(step, index=index, total=total)


def _counted(predict: Predict, index: int, total: int) -> Predict:
    """Return what answers steps of a part of a walk, counted over the whole."""

    def answer(step: Step) -> Tensor:
        return predict(replace(step, index=index, total=total))

    return answer
