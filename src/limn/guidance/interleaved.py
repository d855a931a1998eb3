"""Interleaved guidance: two ways of guiding take turns over the steps."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from limn.kernel import registry
from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, Predictions, Rank
from limn.kernel.step import Step


def _default(text: str) -> Guidance:
    part = registry.parse("guidance", text)
    assert isinstance(part, Guidance)
    return part


@dataclass(frozen=True, kw_only=True)
class Interleaved(Guidance):
    """Guide a share of the steps in one way and the others in another (interleaved guidance of Chen et al. 2023).

    At a step only the guidance whose turn it is asks and folds; each keeps a memory of its own. Re-Imagen takes
    turns between ``scale_p * answer - (scale_p - 1) * without text`` and ``scale_n * answer - (scale_n - 1) *
    without neighbours``, which are the defaults. On the command line a guidance stands in quotes:
    ``interleaved:first='classifier_free:scale=3',second='apg:scale=9',ratio=0.25``.

    Args:
        first: A guidance that amplifies, such as ``classifier_free`` or ``apg``.
        second: Another one, or the same with other options.
        ratio: Share of the steps that are the first one's, from 0 to 1.
        order: ``even``: after n steps the first had ``floor(n * ratio)`` turns; ``random``: every step is drawn.
        seed: Decides the turns of ``random``, which are the same for every picture, from 0.

    >>> [Interleaved(ratio=0.4).turn(index) for index in range(5)]
    ['second', 'second', 'first', 'second', 'first']
    """

    paper: ClassVar[str] = "chen2023reimagen"
    space: ClassVar[str] = "any"
    slot: ClassVar[str] = "scale"

    first: Guidance = field(default_factory=lambda: _default("classifier_free"))
    second: Guidance = field(default_factory=lambda: _default("classifier_free:drop=neighbours"))
    ratio: float = 0.5
    order: Literal["even", "random"] = "even"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("first", "second"):
            part = getattr(self, name)
            if part.rank is not Rank.AMPLIFY:
                known = "classifier_free, apg, cfg_plus_plus"
                raise InputError(
                    f"{name}: {registry.name_of(part)} does not amplify; give one that does, as {known}"
                )
        self.check("ratio", 0, 1)
        if self.order not in ("even", "random"):
            raise InputError(f"order: {self.order!r} is not known; give even or random")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} is not allowed; give a whole number from 0")

    @property
    def adaptive(self) -> bool:
        """Pictures may ask differently when one of the two lets them."""
        return any(part.adaptive for part in self.parts)

    def turn(self, index: int) -> Literal["first", "second"]:
        """Say whose turn a step is."""
        if self.order == "random":
            drawn = random.Random(f"{self.seed}/{index}").random() < self.ratio
        else:
            before, after = (math.floor(steps * self.ratio + 1e-9) for steps in (index, index + 1))
            drawn = after > before
        return "first" if drawn else "second"

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask what the guidance asks whose turn it is."""
        part, own = self._active(step)
        return part.expand(branches, own)

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Fold as the guidance does whose turn it is, in its own space."""
        part, own = self._active(step)
        if part.space not in ("any", step.space):
            own = replace(own, space=part.space)
        answers = _between(predictions, step, own.space)
        main = part.combine(answers, own)["main"]
        step.memory[self.turn(step.index)] = own.memory
        return {**predictions, **_between({"main": main}, own, step.space)}

    def _active(self, step: Step) -> tuple[Guidance, Step]:
        """Return the guidance whose turn it is, and the step with a copy of its own memory."""
        name = self.turn(step.index)
        part = self.first if name == "first" else self.second
        return part, replace(step, memory=dict(step.memory.get(name, {})))


def _between(answers: Predictions, step: Step, space: str) -> Predictions:
    """Take answers from a step's space to another."""
    if space == step.space:
        return answers
    convert = step.to_noise if space == "noise" else step.to_clean
    return {name: convert(answer) for name, answer in answers.items()}
