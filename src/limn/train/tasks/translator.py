"""From a caption to the embedding of its picture, at once (Zbinden 2022, section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.dual_encoder import DualEncoder
from limn.networks.embedding_map import CONFIG, EmbeddingMap
from limn.networks.token_embeddings import TokenVectors
from limn.train.batches import signed, stream
from limn.train.card import About
from limn.train.losses import NoiseLevels
from limn.train.network import judge_of
from limn.train.recipe import Recipe
from limn.train.sheet import grid
from limn.train.task import Task
from limn.train.worlds.pictograms import pictograms_of

_AT_ONCE = 512
_MOST = 4  # captions of a picture
_SHOWN = 16
_PROBE = 256


@dataclass(frozen=True, kw_only=True)
class Translating(NoiseLevels):
    """What is minimised.

    Args:
        embedder: The judge whose texts and pictures they are.
        dropout: Share of the caption's numbers that are set to 0.
    """

    embedder: str = "judge_a"
    dropout: float = 0.1


class Translator(Task[EmbeddingMap, Translating]):
    """Learning which embedding a caption's picture has: squared errors of standardised embeddings."""

    paper = "zbinden2022implementing"
    config_file = CONFIG
    noisy = False
    Network = EmbeddingMap
    Objective = Translating

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        if self.network.config.noisy is not self.noisy:
            raise InputError(f"network.noisy: set it to {str(self.noisy).lower()} for this task")
        judge, words = judge_of(self.objective.embedder), TokenVectors()
        (self.texts, self.images, self.pictures), (self.held_texts, self.held, self.shown) = (
            _pairs(recipe, judge, words, splits) for splits in (("train",), ("pair",))
        )
        self.network.measure(self.texts[0], self.images)

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        text, image = self.batch(step)
        return F.mse_loss(self.answer(self.network, text, image, self.generator(step)), image)

    def answer(self, network: EmbeddingMap, text: Tensor, image: Tensor, generator: torch.Generator) -> Tensor:
        """Answer with standardised embeddings, given what the caption says."""
        kept = torch.rand(text.shape, generator=generator) >= self.objective.dropout
        answer: Tensor = network(text * kept.to(text))
        return answer

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return standardised vectors of captions, and embeddings of their pictures."""
        rng, (vectors, owners) = stream(self.recipe.seed, 1, step), self.texts
        chosen = torch.from_numpy(rng.integers(len(vectors), size=self.recipe.optimiser.batch))
        text, image = vectors[chosen], self.images[owners[chosen]]
        return self.network.standard_text(text.to(self.device)), self.network.standard(image.to(self.device))

    @torch.inference_mode()
    def show(self, network: EmbeddingMap) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show held-out pictures and the nearest one to each caption; figures: cosine, share found among them."""
        vectors, owners = self.held_texts
        first = torch.from_numpy(np.unique(owners.numpy(), return_index=True)[1])[:_PROBE]
        held = self.held[owners[first]]
        drawn = network.plain(self.draw(network, network.standard_text(vectors[first].to(self.device)))).cpu()
        cosine = F.cosine_similarity(drawn, held)
        near = (F.normalize(drawn, dim=1) @ F.normalize(held, dim=1).T).argmax(1)
        scores = {"cosine": float(cosine.mean()), "top1": float((near == torch.arange(len(held))).float().mean())}
        pictures = self.shown[owners[first].numpy()]
        return np.concatenate([grid(pictures[:_SHOWN]), grid(pictures[near[:_SHOWN].numpy()])]), scores

    def draw(self, network: EmbeddingMap, text: Tensor) -> Tensor:
        """Return standardised embeddings for captions."""
        answer: Tensor = network(text)
        return answer

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(
            kind="A map from captions to embeddings of pictures",
            objective="squared errors of standardised embeddings",
            papers=(cls.paper, "ramesh2022unclip"),
            does="translates captions of",
            limits="It knows what its captions say.",
        )


def _pairs(recipe: Recipe, judge: DualEncoder, words: TokenVectors, splits: tuple[str, ...]) -> Any:
    """Return vectors of captions with the place of their picture, embeddings of pictures, and the pictures."""
    source = pictograms_of(recipe, splits)
    rows = [row[:_MOST] for row in source.columns["captions"]]
    captions = [caption for row in rows for caption in row]
    owners = torch.from_numpy(np.repeat(np.arange(len(source)), list(map(len, rows))))
    pictures = source.on()
    with torch.inference_mode():
        texts = [judge.read(words, captions[k : k + _AT_ONCE]) for k in range(0, len(captions), _AT_ONCE)]
        images = [judge.images(signed(part)) for part in np.array_split(pictures, len(pictures) // _AT_ONCE + 1)]
    return (torch.cat(texts).clone(), owners), torch.cat(images).clone(), pictures
