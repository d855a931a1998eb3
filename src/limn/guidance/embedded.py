"""Embedded guidance: a scale that the network was distilled to read, in place of a second question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.step import Step

KNOB = "guidance"
"""The name under which the network finds it (:attr:`limn.kernel.branch.Branch.knobs`)."""


@dataclass(frozen=True, kw_only=True)
class Embedded(Guidance):
    """Tell the network which guidance scale to draw as if by (Meng et al. 2023, section 3), as in FLUX.1-dev.

    It costs no further question, and knows no negative prompt; a network that reads no scale ignores it.

    Args:
        scale: From 0 to 100; 0 is what the network makes of no guidance.

    >>> Embedded(scale=3.5).scale
    3.5
    """

    paper: ClassVar[str] = "meng2023distillation"
    aliases: ClassVar[tuple[str, ...]] = ("distilled_guidance",)
    rank: ClassVar[Rank] = Rank.AMPLIFY
    space: ClassVar[str] = "any"
    slot: ClassVar[str] = "scale"
    off: ClassVar[float] = 0.0

    scale: float = 3.5

    def __post_init__(self) -> None:
        self.check("scale", 0, 100)

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Give the scale to every question."""
        return {name: replace(branch, knobs=((KNOB, float(self.scale)),)) for name, branch in branches.items()}
