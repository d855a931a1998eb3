"""The embedding of the picture that a prompt asks for, of its words, of its pictures, or of both added up."""

from __future__ import annotations

import hashlib
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.io.pictures import colours
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.networks.dual_encoder import DualEncoder
from limn.networks.embedding_map import EmbeddingMap
from limn.networks.token_embeddings import TokenVectors

STEPS: Final = 16
"""Steps of a prior: it gets worse with more, as others found."""

SCALE: Final = 1.5
"""Guidance scale of a prior."""


class Embedder:
    """Embeddings of prompts: the sum of their parts' embeddings, each times its weight, brought to length 1.

    Two pictures are interpolated by their weights, and what is taken away has a negative one (Ramesh et al. 2022,
    section 3).

    Args:
        words: Tokenizer and vectors.
        towers: A judge that places captions and pictures.
        maps: Turns captions' vectors into pictures' embeddings; where there is none, words have no embedding.
    """

    def __init__(self, words: TokenVectors, towers: DualEncoder, maps: EmbeddingMap | None) -> None:
        self.words, self.towers, self.maps = words, towers, maps

    @torch.no_grad()
    def __call__(self, prompt: Prompt) -> Tensor | None:
        """Return the embedding (width,), or None where nothing is said that has one."""
        parts = [(self.of(part), weight) for part, weight in prompt.parts]
        known = [weight * vector for vector, weight in parts if vector is not None]
        if not known:
            return None
        total = torch.stack(known).sum(0)
        if float(total.norm()) < 1e-6:
            raise InputError("prompt weights: its parts take each other away; give others")
        return F.normalize(total, dim=0)

    def of(self, part: str | bytes) -> Tensor | None:
        """Return the unit vector of words or of a picture (PNG bytes)."""
        device = self.towers.log_scale.device
        if isinstance(part, bytes):
            side = self.towers.config.size
            return self.towers.images(torch.from_numpy(colours(part, side, side))[None].to(device))[0]
        if self.maps is None:
            return None
        text = self.maps.standard_text(self.towers.read(self.words, [part]))
        if self.maps.config.noisy:
            # The same words have the same embedding, so that a prompt is encoded once and replays.
            seed = int.from_bytes(hashlib.sha256(part.encode()).digest()[:7], "big")
            noise = torch.randn(1, self.maps.config.out, generator=torch.Generator().manual_seed(seed)).to(device)
            drawn = self.maps.drawn(text, noise, STEPS, SCALE)
        else:
            drawn = self.maps(text)
        return F.normalize(self.maps.plain(drawn)[0], dim=0)
