"""Training of the stage that draws finer tokens from coarser ones and the words (Chang et al. 2023, section 2.5)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.encoders.coarse import PLACES, before
from limn.kernel.errors import InputError
from limn.kernel.predictor import Conditioning
from limn.kernel.rng import Streams
from limn.kernel.step import Step
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking
from limn.samplers.unmask import Unmask
from limn.train.batches import Batch, feed_for
from limn.train.network import codec_of
from limn.train.recipe import Recipe
from limn.train.tasks import grid, pixels
from limn.train.tokens import PROBE, TokenGeneration

__all__ = ["FinerGeneration"]

_STEPS = 8
_SHOWN = 16


class FinerGeneration(TokenGeneration):
    """Learning to draw a picture's finer tokens from its coarser ones and from words.

    Args:
        recipe: What to do; ``data.autoencoder`` has the finer tokens, ``data.coarse`` the coarser ones.
        device: Where.

    Raises:
        InputError: The recipe lacks one of the two, or they do not fit each other or the network.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        if not recipe.data.coarse:
            raise InputError("data.coarse: name the folder of the trained vq whose tokens are refined")
        coarse = codec_of(recipe.data.coarse)
        if not isinstance(coarse, VQ):
            raise InputError(f"data.coarse: {recipe.data.coarse} holds no vq; train one first")
        super().__init__(recipe, device)
        self.coarse = coarse
        # The same pictures in the same order: a batch depends on the seed and the step only.
        self.given = feed_for(replace(recipe, data=replace(recipe.data, autoencoder=recipe.data.coarse)), self.words)
        shape, tokens = self.network.config, self.given(0).clean.shape[1]
        least, width = tokens + 1, self.words.width + coarse.config.code_width + PLACES
        if shape.text_width != width or shape.text_limit < least or shape.side % math.isqrt(tokens):
            wanted = f"text_width = {width}, text_limit of at least {least}, grid a multiple of {math.isqrt(tokens)}"
            raise InputError(f"network: does not fit the coarse tokens; set {wanted}")

    def batch(self, step: int) -> tuple[Batch, Tensor, Tensor, torch.Generator]:
        """Return what a step learns from, its coarse tokens and words, and its source of randomness."""
        batch, text, mask, generator = super().batch(step)
        ids, shape = self.given(step).clean, self.network.config
        words = shape.text_limit - ids.shape[1]
        codes = self.coarse.vectors(ids).to(self.device)
        text, mask = before(codes, text[:, :words], mask[:, :words], side=shape.side)
        return batch, text, mask, generator

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show coarse, drawn and true finer tokens as pictures; figures: loss, and PSNR against the true ones."""
        assert isinstance(network, Transformer)
        batch, text, mask, _ = self.batch(PROBE)
        given = self.given(PROBE).clean[:_SHOWN]
        drawn = self.refined(network, text[:_SHOWN], mask[:_SHOWN], given.shape[1])
        rows = [
            pixels(codec.decode(_square(ids).cpu()))
            for codec, ids in (
                (self.coarse, given), (self.tokenizer, drawn), (self.tokenizer, batch.clean[:_SHOWN])
            )
        ]  # fmt: skip
        losses = [float(self._loss(network, PROBE + k)) for k in range(4)]
        scores = {"loss": sum(losses) / 4, "coarse psnr": _psnr(rows[0], rows[2]), "psnr": _psnr(rows[1], rows[2])}
        shown = [each[k : k + 8] for k in range(0, _SHOWN, 8) for each in rows]
        return grid(np.concatenate(shown)), scores

    def refined(self, network: Transformer, text: Tensor, mask: Tensor, coarse: int) -> Tensor:
        """Draw finer tokens with guidance; returns ids (rows, tokens)."""
        predictor, scale, sampler = Masked(network=network), self.recipe.saving.scale, Unmask()
        mute = mask & (torch.arange(mask.shape[1], device=mask.device) < coarse)
        said, free = Conditioning(text, mask), Conditioning(text, mute)

        def predict(step: Step) -> Tensor:
            told, alone = (predictor(step.x, step.level, each, []) for each in (said, free))
            return alone + scale * (told - alone)

        start = torch.zeros(len(text), network.config.side**2, device=self.device)
        streams, levels = Streams(range(len(text))), Masking().levels(_STEPS, sampler)
        *_, last = sampler.walk(predict, start, levels, streams)
        return last.x


def _square(ids: Tensor) -> Tensor:
    side = math.isqrt(ids.shape[1])
    return ids.reshape(-1, side, side)


def _psnr(found: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> float:
    error = ((found.astype(float) - wanted) / 255) ** 2
    return float((-10 * np.log10(error.mean((1, 2, 3)) + 1e-6)).mean())
