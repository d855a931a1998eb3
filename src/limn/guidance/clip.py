"""CLIP guidance: climb the fit between the picture and the words, as a dual encoder sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from limn.guidance._gradient import Gradient
from limn.kernel.step import Step
from limn.networks.guides import Guide


@dataclass(frozen=True, kw_only=True)
class Clip(Gradient):
    """Guide by ``score = tau * cos(picture, words)`` of a dual encoder, tau its own scale of cosines.

    GLIDE moves the mean of a DDPM step by ``scale * variance * grad score`` (Nichol et al. 2022, equation 5); here
    ``main + scale * sigma^2 / alpha * grad score``, which is the same to first order (see
    ``Gradient``). A picture whose words are empty is left as it is.

    Args:
        scale: Size of the step, from 0; 0 asks nothing more and changes nothing. GLIDE's is 3.
        guide: The dual encoder: a shipped one's name or a folder. What guides should not be what judges.
        text: Words that take the place of the prompt's.
        noisy: Let the guide read the noisy state and its noise level in place of the predicted picture; no gradient
            passes the model then, and ``through`` plays no part. The guide must have been trained on noise.
        through: What the gradient passes: ``model`` (exact), ``clean`` (stops at the predicted picture; cheap) or
            ``secondary`` (a smaller model).
        secondary: The smaller model: an adapter or another model of this kind.
        normalise: Take only the gradient's direction; a picture then moves by ``scale``, root mean square, at pure
            noise, and less as the noise falls.

    >>> Clip(scale=2, text="a red heart").guide
    'judge_a'
    """

    paper: ClassVar[str] = "nichol2022glide"

    scale: float = 3.0
    guide: str = "judge_a"
    text: str = ""
    noisy: bool = False

    @property
    def path(self) -> Literal["model", "clean", "secondary", "state"]:
        """What the gradient passes; the noisy state alone when the guide reads it."""
        return "state" if self.noisy else self.through

    @property
    def files(self) -> tuple[str, ...]:
        """The guide's weights."""
        return Guide.files(self.guide) if self.scale else ()

    def score(self, state: Tensor, step: Step) -> Tensor:
        """Return tau times the cosine of each picture and its words (pictures,)."""
        if "guide" not in step.memory:
            guide = Guide.load(self.guide, step)
            texts = [self.text or prompt.text for prompt in step.prompts]
            spoken = torch.tensor([bool(text.strip()) for text in texts], device=state.device)
            step.memory["guide"], step.memory["words"] = guide, guide.texts(texts) * spoken[:, None]
        guide, words = step.memory["guide"], step.memory["words"]
        vectors = guide.noisy(state, step) if self.noisy else guide.clean(state, step)
        score: Tensor = guide.network.scale * (vectors * words).sum(1)
        return score
