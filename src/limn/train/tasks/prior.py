"""From a caption to the embedding of its picture, by a small diffusion (Ramesh et al. 2022, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from limn.networks.embedding_map import EmbeddingMap
from limn.train.recipe import within
from limn.train.tasks.translator import Translating, Translator

_STEPS = 16


@dataclass(frozen=True, kw_only=True)
class Denoising(Translating):
    """What is minimised.

    Args:
        drop: Share of captions that are not told, for guidance.
    """

    drop: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", drop=(0, 1))


class Prior(Translator):
    """Learning to denoise embeddings, told the caption."""

    paper = "ramesh2022unclip"
    noisy = True
    Objective = Denoising
    objective: Denoising

    def answer(self, network: EmbeddingMap, text: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
        """Answer with standardised clean embeddings, given noisy ones and what the caption says."""
        time = self.objective.levels(len(text), generator).to(text)
        noise = torch.randn(image.shape, generator=generator).to(text)
        told = (torch.rand(len(text), 1, generator=generator) >= self.objective.drop).to(text)
        answer: Tensor = network(text * told, torch.lerp(image, noise, time[:, None]), time)
        return answer

    def draw(self, network: EmbeddingMap, text: Tensor) -> Tensor:
        """Return standardised embeddings for captions, one drawn for each."""
        noise = torch.randn(len(text), network.config.out, generator=torch.Generator().manual_seed(1))
        return network.drawn(text, noise.to(text), _STEPS)
