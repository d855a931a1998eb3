"""Multimodal guided art: towards words and pictures together, as a dual encoder sees random cut-outs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from limn.guidance._gradient import Gradient
from limn.io.pictures import colours, file_bytes
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from limn.networks.cutouts import cutouts, outside, spherical, total_variation
from limn.networks.guides import Guide

MAX_CUTS = 256


@dataclass(frozen=True, kw_only=True)
class Art(Gradient):
    """Descend MGAD's loss (Huang et al. 2022, section 3) on what a dual encoder E sees in random cut-outs c::

        mean over c of  sum over targets of  weight * 2 * arcsin^2(|E(c) - target| / 2)
            + total_variation * (mean square step between neighbours) + range_loss * (mean square past [-1, 1])

    A target is the vector of a text, or those of cut-outs of a picture, which share its weight; weights are divided
    by the magnitude of their sum. The step is ``main - scale * sigma^2 / alpha * grad loss`` (see
    ``Gradient``).

    Args:
        scale: Size of the step, from 0; 0 asks nothing more and changes nothing. The paper's code has 5000, for
            512 pixels and ``normalise=false``.
        guide: The dual encoder: a shipped one's name or a folder. What guides should not be what judges.
        texts: Target texts, each with ``:weight`` at its end if it is not 1.
        pictures: Paths of target pictures, likewise. Without texts and pictures the targets are the prompt's own.
        cuts: Cut-outs at a step, and of each target picture, from 1 to 256.
        smallest: Smallest side of a cut-out, as a share of the picture's shorter side, in (0, 1]; the paper's code
            has 224 of 512 pixels.
        total_variation: Weight of smoothness beside the distance to the targets; the paper's code has 400 to 5000.
        range_loss: Weight of values past [-1, 1] beside the distance.
        through: What the gradient passes: ``model`` (exact), ``clean`` (stops at the predicted picture; cheap) or
            ``secondary`` (a smaller model, as in the paper).
        secondary: The smaller model: an adapter or another model of this kind.
        normalise: Take only the gradient's direction; a picture then moves by ``scale``, root mean square, at pure
            noise, and less as the noise falls.

    >>> Art(texts=("a red heart", "a house:0.5")).cuts
    16
    """

    paper: ClassVar[str] = "huang2022mgad"
    aliases: ClassVar[tuple[str, ...]] = ("mgad",)

    scale: float = 0.3
    guide: str = "judge_a"
    texts: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    cuts: int = 16
    smallest: float = 0.4375
    total_variation: float = 0.08
    range_loss: float = 0.0
    normalise: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.cuts <= MAX_CUTS:
            raise InputError(f"cuts: {self.cuts} is not allowed; give a whole number from 1 to {MAX_CUTS}")
        if not 0 < self.smallest <= 1:
            raise InputError(f"smallest: {self.smallest} is not allowed; give a share above 0, up to 1")
        for name in ("total_variation", "range_loss"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name}: {getattr(self, name)} is not allowed; give a number from 0")
        _shares([_weighed(target)[1] for target in (*self.texts, *self.pictures)])

    @property
    def files(self) -> tuple[str, ...]:
        """The guide's weights and the target pictures."""
        return (*Guide.files(self.guide), *(_weighed(path)[0] for path in self.pictures)) if self.scale else ()

    def score(self, state: Tensor, step: Step) -> Tensor:
        """Return minus the loss of each picture (pictures,)."""
        pictures = state if step.codec is None else step.codec.decode(state)
        guide, targets, weights = self._targets(step, *pictures.shape[-2:])
        vectors = self._see(guide, pictures, self._draws(step, f"art {step.index}"))
        distance = (spherical(vectors[:, :, None], targets[:, None]) * weights[:, None]).sum(2).mean(1)
        loss = distance + self.total_variation * total_variation(pictures) + self.range_loss * outside(pictures)
        return -loss * (weights != 0).any(1)

    def _draws(self, step: Step, purpose: str) -> Tensor:
        """Return the numbers (pictures, cuts, 3) that place cut-outs, of each picture's own stream."""
        assert step.streams is not None, "a runner gives streams"
        return step.streams.fork(purpose).uniform((self.cuts, 3)).to(step.x.device)

    def _see(self, guide: Guide, pictures: Tensor, draws: Tensor) -> Tensor:
        """Return the unit vectors (pictures, cuts, width) of cut-outs."""
        cut = cutouts(pictures, draws, guide.network.config.size, self.smallest)
        return guide.pictures(cut.flatten(0, 1)).view(*cut.shape[:2], -1)

    @torch.no_grad()
    def _targets(self, step: Step, height: int, width: int) -> tuple[Guide, Tensor, Tensor]:
        """Return the guide, the targets (pictures, targets, width) and their weights; made once a walk."""
        memory = step.memory
        if "guide" not in memory:
            guide, vectors, weights = Guide.load(self.guide, step), [], []
            files = tuple(_file(path) for path in self.pictures)
            for place, prompt in enumerate(step.prompts):
                own, shares = [step.x.new_zeros(0, guide.network.config.out)], [step.x.new_zeros(0)]
                for number, (target, share) in enumerate(self._wanted(prompt, files)):
                    if isinstance(target, str):
                        own.append(guide.texts([target]))
                    else:
                        image = torch.from_numpy(colours(target, height, width)).to(step.x.device)
                        draws = self._draws(step, f"art target {number}")[[place]]
                        own.append(self._see(guide, image[None], draws)[0])
                    shares.append(step.x.new_full((len(own[-1]),), share / len(own[-1])))
                vectors.append(torch.cat(own).float())
                weights.append(torch.cat(shares).float())
            memory["guide"], memory["targets"] = guide, pad_sequence(vectors, batch_first=True)
            memory["weights"] = pad_sequence(weights, batch_first=True)
        return memory["guide"], memory["targets"], memory["weights"]

    def _wanted(self, prompt: Prompt, files: tuple[tuple[bytes, float], ...]) -> list[tuple[str | bytes, float]]:
        """Return a picture's targets, texts or files, with their shares."""
        given: list[tuple[str | bytes, float]] = [*(_weighed(text) for text in self.texts), *files]
        if not given:
            weights = prompt.weights or [1.0] * (1 + len(prompt.images))
            parts: list[str | bytes] = [prompt.text.strip(), *prompt.images]
            given = [(part, weight) for part, weight in zip(parts, weights, strict=True) if part]
        shares = _shares([weight for _, weight in given])
        return [(part, share) for (part, _), share in zip(given, shares, strict=True)]


def _weighed(text: str) -> tuple[str, float]:
    """Split ``words:2`` into words and weight, which is 1 where no number stands."""
    words, colon, number = text.rpartition(":")
    try:
        weight = float(number)
    except ValueError:
        return text, 1.0
    return (words, weight) if colon and words and math.isfinite(weight) else (text, 1.0)


def _file(text: str) -> tuple[bytes, float]:
    path, weight = _weighed(text)
    return file_bytes(path, field="pictures"), weight


def _shares(weights: list[float]) -> list[float]:
    """Divide weights by the magnitude of their sum."""
    whole = abs(sum(weights))
    if weights and whole < 1e-3:
        raise InputError("weights: those of the targets add up to 0; change one of them")
    return [weight / whole for weight in weights]
