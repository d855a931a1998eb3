"""Batches, and the protocol of the worlds they come from: batch number n of a run is always the same one.

Every random number of a batch comes from a generator that is seeded by the run's seed and the batch's number, so
there is no state to save, wherever the run was resumed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.token_embeddings import TokenVectors
from limn.networks.vq import VQ
from limn.train.augmentation import jittered
from limn.train.network import Codec, codec_of
from limn.train.recipe import Recipe

PROBE = 2**40
"""Batches from here on are shown, never learned from."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What one step learns from.

    Args:
        clean: Clean states (rows, channels, height, width), or tokens (rows, tokens).
        ids: Token ids of one caption each (rows, words), trimmed to the longest.
        mask: Which of them are real.
        captions: The captions themselves.
        true: Of pairs: whether caption i is true of picture j, (rows, rows); the diagonal is.
    """

    clean: Tensor
    ids: Tensor
    mask: Tensor
    captions: tuple[str, ...] = ()
    true: Tensor | None = None


class World(ABC):
    """Pictures with words, which feed every task; a world answers as many of the three questions as it can.

    Args:
        recipe: Says what is shown how often.
        words: Turns captions into tokens.
    """

    shows: ClassVar[str]
    """What its pictures show, for the model card."""
    source: ClassVar[str]
    """Where they come from and under which licence."""
    portion: ClassVar[str] = "training split only"
    """Which of them models that draw learn from."""
    licence: ClassVar[str] = "Apache-2.0"
    people: ClassVar[str] = ""
    """What is to be said of people in its pictures, in a sentence; nothing where there are none."""
    styles: ClassVar[Mapping[str, str]] = {}
    """Drawing styles by name, each a prompt with ``{}``."""

    @classmethod
    def styles_of(cls, recipe: Recipe) -> Mapping[str, str]:
        """Return the drawing styles that a recipe shows, by name, each a prompt with ``{}``."""
        return cls.styles

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        self.recipe, self.words = recipe, words

    @abstractmethod
    def captioned(self, step: int) -> Batch:
        """Return pictures (or their latents, or tokens) with one caption each."""

    def pictures(self, step: int) -> Batch:
        """Return pictures as a codec learns them; captions play no part."""
        return self.captioned(step)

    def pairs(self, step: int) -> Batch:
        """Return pictures and captions, some of which are hard to tell apart, and which are true of which."""
        raise InputError(f"data: the world {type(self).__name__.lower()} has no such pairs; choose another one")

    @classmethod  # noqa: B027
    def ship(cls, recipe: Recipe, folder: Path, *, draws: bool) -> None:
        """Write into a model's folder what its data ask for; ``draws`` is whether it draws from words."""


class DrawnWorld(World):
    """A world that is drawn on the fly, without end."""

    def __init__(self, recipe: Recipe, words: TokenVectors) -> None:
        super().__init__(recipe, words)
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    @abstractmethod
    def draw(self, rng: np.random.Generator, rows: int) -> tuple[NDArray[np.uint8], Sequence[str]]:
        """Draw pictures (rows, height, width, 3) with a caption each."""

    @abstractmethod
    def draw_pairs(self, rng: np.random.Generator, rows: int) -> tuple[Tensor, Sequence[str], NDArray[np.bool_]]:
        """Draw pictures as :meth:`jittered`, a caption each, and which are true of which (rows, rows)."""

    def jittered(self, pictures: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
        """Turn pictures into states, a share of them moved, scaled and softened as the recipe says."""
        share = self.recipe.data.jitter
        return jittered(signed(pictures), rng, share) if share else signed(pictures)

    def captioned(self, step: int) -> Batch:
        """Return pictures (or their latents, or tokens) with one caption each."""
        pictures, captions = self.draw(stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch)
        ids, mask = self.words.ids(captions)
        return Batch(clean=states(pictures, self.codec), ids=ids, mask=mask, captions=tuple(captions))

    def pairs(self, step: int) -> Batch:
        """Return pictures and captions, and which are true of which."""
        clean, captions, true = self.draw_pairs(stream(self.recipe.seed, 1, step), self.recipe.optimiser.batch)
        ids, mask = self.words.ids(captions)
        return Batch(clean=clean, ids=ids, mask=mask, captions=tuple(captions), true=torch.from_numpy(true))


def stream(seed: int, *path: int) -> np.random.Generator:
    """Return the random stream of a place in a run, such as a step or an epoch."""
    return np.random.default_rng([seed, *path])


def signed(pictures: NDArray[np.uint8]) -> Tensor:
    """Turn pictures (n, height, width, 3), 0 to 255, into states (n, 3, height, width) in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1).contiguous()


def states(pictures: NDArray[np.uint8], codec: Codec | None) -> Tensor:
    """Turn pictures (n, height, width, 3) into states, latents, or tokens (n, tokens)."""
    if codec is None:
        return signed(pictures)
    with torch.inference_mode():
        parts = [codec.encode(signed(part)) for part in np.array_split(pictures, len(pictures) // 128 + 1)]
    encoded = torch.cat(parts).clone()
    return encoded.flatten(1) if isinstance(codec, VQ) else encoded


def reconstructed(pictures: NDArray[np.uint8], autoencoder: str, rng: np.random.Generator, noise: float) -> Tensor:
    """Return pictures as a latent generator draws them: through an autoencoder, with some noise on the latents.

    Args:
        pictures: (n, height, width, 3), 0 to 255.
        autoencoder: Folder of a trained autoencoder, or the name of a shipped model that has one.
        rng: Source of the noise.
        noise: Most of it; each picture draws its own share.

    Returns:
        States (n, 3, height, width) in [-1, 1].
    """
    codec, parts = codec_of(autoencoder), []
    fast = bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        for part in np.array_split(pictures, len(pictures) // 128 + 1):
            latents = codec.encode(signed(part))
            size = torch.from_numpy(rng.uniform(0, noise, len(part))).float()[:, None, None, None]
            extra = torch.from_numpy(rng.standard_normal(latents.shape, dtype=np.float32))
            parts.append(codec.decode(latents + size * extra).float().clamp(-1, 1))
    return torch.cat(parts).clone()
