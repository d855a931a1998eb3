"""Networks trained on noise, clean state, velocity or flow, all answering with the clean state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit
from limn.kernel.bounds import threshold
from limn.kernel.errors import unknown_name
from limn.kernel.level import Level
from limn.kernel.predictor import Conditioning

Target = Literal["eps", "x0", "v", "flow"]
TARGETS: tuple[Target, ...] = ("eps", "x0", "v", "flow")

_MOST = 1e4  # stands for the infinite noise over signal of pure noise

Scale = TypeVar("Scale", float, Tensor)


class Network(Protocol):
    """What is inside: the native transformer or a U-Net behind a wrapper."""

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None],
        sigma: Tensor,
    ) -> Tensor:
        """Answer rows of noisy states (rows, ...) at times (rows,).

        ``sigma`` (rows,) is noise over signal, for attention edits; at pure noise it is 10,000.
        """
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Diffusion:
    """A diffusion or flow network as a predictor of the clean state.

    Args:
        network: Called with (x, time, conditioning, edits, sigma).
        target: What it was trained to answer: noise ``eps``, clean state ``x0``, velocity ``v`` (alpha * noise -
            sigma * clean; Salimans and Ho 2022) or ``flow`` (noise - clean; Lipman et al. 2023).
        edm: Standard deviation of the data, for a network preconditioned as Karras et al. 2022, table 1, say;
            ``target`` then plays no part.
        clip: Clamp the clean state to [-clip, clip].
        threshold: Share of the values whose magnitude stays; beyond it they are clamped and the state is scaled
            back into [-1, 1], or [-clip, clip] (dynamic thresholding; Saharia et al. 2022).

    Raises:
        InputError: If the target is unknown.
    """

    network: Network
    target: Target = "eps"
    edm: float | None = None
    clip: float | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise unknown_name("target", self.target, TARGETS)

    @property
    def space(self) -> str:
        """Answers are clean states."""
        return "clean"

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        """Answer each row with the clean state; see :class:`limn.kernel.predictor.Predictor`."""
        time = torch.full((x.shape[0],), level.time, device=x.device, dtype=torch.float32)
        sigma = torch.full_like(time, min(level.ratio, _MOST))
        if self.edm is None:
            answer = self.network(x, time, conditioning, edits, sigma)
            clean = clean_from(self.target, answer, x, level.alpha, level.sigma)
        else:
            spread = math.hypot(level.sigma, level.alpha * self.edm)
            answer = self.network(x / spread, time, conditioning, edits, sigma)
            clean = level.alpha * (self.edm / spread) ** 2 * x + level.sigma * self.edm / spread * answer
        return self._bounded(clean)

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer, if the network counts them; otherwise 0."""
        count = getattr(self.network, "flops", None)
        return int(count(x, conditioning)) if count is not None else 0

    def _bounded(self, clean: Tensor) -> Tensor:
        if self.threshold is not None:
            return threshold(clean, self.threshold, 1.0 if self.clip is None else self.clip)
        return clean if self.clip is None else clean.clamp(-self.clip, self.clip)


def clean_from(target: Target, answer: Tensor, x: Tensor, alpha: Scale, sigma: Scale) -> Tensor:
    """Return the clean state that a network's answer implies, at any (alpha, sigma).

    Args:
        target: What the network answers.
        answer: (rows, ...).
        x: The noisy state (rows, ...).
        alpha: Scale of the clean state, a number or a tensor that broadcasts.
        sigma: Scale of the noise, likewise.

    Returns:
        (rows, ...). At alpha 0 an answer ``eps`` says nothing of the clean state; the result is only kept finite.
    """
    if target == "x0":
        return answer
    if target == "flow":
        return (x - sigma * answer) / (alpha + sigma)
    if target == "v":
        return (alpha * x - sigma * answer) / (alpha * alpha + sigma * sigma)
    floor = alpha.clamp(min=1e-6) if isinstance(alpha, Tensor) else max(alpha, 1e-6)
    return (x - sigma * answer) / floor


def answer_for(target: Target, clean: Tensor, noise: Tensor, alpha: Scale, sigma: Scale) -> Tensor:
    """Return what a perfect network answers at ``alpha * clean + sigma * noise``; the target of training.

    Args:
        target: What the network answers.
        clean: (rows, ...).
        noise: (rows, ...).
        alpha: Scale of the clean state, a number or a tensor that broadcasts.
        sigma: Scale of the noise, likewise.
    """
    answers = {"eps": noise, "x0": clean, "flow": noise - clean}
    return answers[target] if target in answers else alpha * noise - sigma * clean
