"""Image guidance: at every step a little towards a picture that is given."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.io.pictures import colours, file_bytes, greys
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.level import Level
from limn.kernel.step import Step


@dataclass(frozen=True, kw_only=True)
class Image(Guidance):
    """After a step has led to ``x'``, go on to ``x' + w * (z - x')``, z the guide (Zbinden 2022, section 3.4).

    The paper's w is for one number of steps. Here the share of a walk that survives all pulls, the product of
    ``1 - w``, is ``exp(-strength)`` whatever the steps: with ``t = 2 / pi * atan(sigma / alpha)``, which is the
    paper's time t / T on its cosine schedule, a step from t to t' has ``1 - w = exp(-strength * (t^2 - t'^2) /
    start^2)``. The pull is brought about by the clean state: a first-order step without fresh noise (``ddim``,
    ``euler``) turns a change of it into one of ``k = alpha' - sigma' * alpha / sigma`` times its size, so
    ``w / k * (z - x')`` is added to it. Other samplers get there approximately.

    Args:
        strength: From 0 (nothing changes) to 100 (the guide itself). :func:`strength_from` converts the paper's w:
            0.005 at 1000 steps is 2.5.
        picture: Path of the guide, a PNG, JPEG or WebP, scaled to fill the picture; the prompt's own first picture
            when empty.
        mask: Path of a grey picture, white where the guide pulls with all its strength, black where it does not.
        noised: Pull towards the guide with the noise that belongs to the level, as the network knows pictures, in
            place of the clean guide.
        decay: How pulls fall over the walk: ``linear`` in t, as in the paper, or ``none``.

    >>> Image(strength=1, picture="photo.png").decay
    'linear'
    """

    paper: ClassVar[str] = "zbinden2022implementing"
    rank: ClassVar[Rank] = Rank.NUDGE

    strength: float = 2.5
    picture: str = ""
    mask: str = ""
    noised: bool = False
    decay: Literal["linear", "none"] = "linear"

    def __post_init__(self) -> None:
        self.check("strength", 0, 100)

    @property
    def reads_pictures(self) -> bool:
        """The prompt's own, where no other is named."""
        return not self.picture

    @property
    def files(self) -> tuple[str, ...]:
        """The guide and the mask."""
        return tuple(path for path in (self.picture, self.mask) if path) if self.strength else ()

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Pull ``main``; outside a run, where no prompt is known, nothing is done."""
        if self.strength == 0 or not step.prompts:
            return predictions
        main = predictions["main"]
        guide, place = self._guide(step)
        here, pull = self._pull(step, place)
        noise = (step.x - step.level.alpha * main) / step.level.sigma
        missing = here.alpha * (guide - main)
        if not self.noised:
            missing = guide - here.alpha * main - here.sigma * noise
        return {**predictions, "main": main + pull * missing}

    def _pull(self, step: Step, place: Tensor) -> tuple[Level, Tensor]:
        """Return the level of the pulled state, and what its distance to the guide is multiplied by."""
        level, there = step.level, step.next
        start = step.memory.setdefault("start", self._time(level))
        strength = place * (self.strength / start)
        k = there.alpha - there.sigma * level.alpha / level.sigma
        if k > 1e-9:
            return there, -torch.expm1(-strength * (self._time(level) - self._time(there))) / k
        # a second look at a level where the sampler already is: the limit of a small step
        time = _angle(level)
        rate = level.alpha * level.sigma / (level.alpha**2 + level.sigma**2) * 2 / math.pi
        return level, strength * (rate * (2 * time if self.decay == "linear" else 1)) / level.alpha

    def _time(self, level: Level) -> float:
        """Return the integral of the pulls from a clean picture up to a level, 1 for pure noise."""
        return _angle(level) ** (2 if self.decay == "linear" else 1)

    def _guide(self, step: Step) -> tuple[Tensor, Tensor]:
        """Return the guides' states (pictures, ...) and where they pull (height, width); read once a walk."""
        memory = step.memory
        if "guide" not in memory:
            memory["guide"], memory["place"] = self._states(step).to(step.x), torch.ones(()).to(step.x)
            if self.mask:
                mask = greys(file_bytes(self.mask, field="mask"), *step.x.shape[-2:], name=self.mask)
                memory["place"] = torch.from_numpy(mask).to(step.x)
        return memory["guide"], memory["place"]

    @torch.no_grad()
    def _states(self, step: Step) -> Tensor:
        given = file_bytes(self.picture, field="picture") if self.picture else b""
        size, states = _pixels(step), {}
        for prompt in step.prompts:
            data = given or (prompt.images[0] if prompt.images else b"")
            if not data:
                raise InputError(
                    f"picture: none for {prompt.text[:60]!r}; give picture=FILE or a prompt with a picture"
                )
            if data not in states:
                image = torch.from_numpy(colours(data, *size, name=self.picture or "picture"))[None].to(step.x)
                states[data] = image if step.codec is None else step.codec.encode(image)
        return torch.cat([states[given or prompt.images[0]] for prompt in step.prompts])


def strength_from(w: float, steps: int, decay: Literal["linear", "none"] = "linear") -> float:
    """Convert the paper's weight for a number of steps to a strength: minus the log of the product of ``1 - w * d``.

    Args:
        w: Weight of a step, from 0 to below 1.
        steps: T, how many steps it is for; ``d`` of step t is t / T, or 1 without decay.
        decay: As for :class:`Image`.

    >>> round(strength_from(0.005, 1000), 2)
    2.5
    """
    if not 0 <= w < 1:
        raise InputError(f"w: {w} is not allowed; give a number from 0 to below 1")
    return -sum(math.log1p(-w * (t / steps if decay == "linear" else 1)) for t in range(steps))


def _angle(level: Level) -> float:
    return 2 / math.pi * math.atan2(level.sigma, level.alpha)


def _pixels(step: Step) -> tuple[int, int]:
    """Return height and width of the picture that the state stands for."""
    height, width = step.x.shape[-2:]
    if step.codec is None:
        return height, width
    side = step.codec.multiple
    *_, rows, columns = step.codec.shape(side, side)
    return height * side // rows, width * side // columns
