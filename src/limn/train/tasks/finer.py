"""Finer tokens from coarser ones and the words (Chang et al. 2023, section 2.5)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.encoders.coarse import PLACES, before
from limn.kernel.errors import InputError
from limn.kernel.predictor import Conditioning
from limn.kernel.rng import Streams
from limn.kernel.step import Step
from limn.networks.transformer import Transformer
from limn.train.batches import PROBE, Batch
from limn.train.recipe import Recipe
from limn.train.sheet import beside, pixels, psnr
from limn.train.task import Export
from limn.train.tasks.masked import Masked, tokenizer_of
from limn.train.worlds import WORLDS

_STEPS = 8
_SHOWN = 16


class Finer(Masked):
    """Learning to draw a picture's finer tokens from its coarser ones and from words.

    The recipe's ``data.autoencoder`` has the finer tokens, ``data.coarse`` the coarser ones.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        missing = "data.coarse: name the folder of the trained vq whose tokens are refined"
        self.coarse = tokenizer_of(recipe.data.coarse, missing)
        super().__init__(recipe, device)
        # The same pictures in the same order: a batch depends on the seed and the step only.
        given = replace(recipe, data=replace(recipe.data, autoencoder=recipe.data.coarse))
        self.given = WORLDS[recipe.data.world](given, self.words).captioned
        shape, tokens = self.network.config, self.given(0).clean.shape[1]
        least, width = tokens + 1, self.words.width + self.coarse.config.code_width + PLACES
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
    def show(self, network: Transformer) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show coarse, drawn and true finer tokens as pictures; figures: loss, and PSNR against the true ones."""
        batch, text, mask, _ = self.batch(PROBE)
        given = self.given(PROBE).clean[:_SHOWN]
        drawn = self.refined(network, text[:_SHOWN], mask[:_SHOWN], given.shape[1])
        coarse, fine, true = (
            pixels(codec.decode(_square(ids).cpu()))
            for codec, ids in (
                (self.coarse, given), (self.tokenizer, drawn), (self.tokenizer, batch.clean[:_SHOWN])
            )
        )  # fmt: skip
        scores = {
            "loss": self.probe_loss(network),
            "coarse psnr": float(psnr(coarse, true).mean()),
            "psnr": float(psnr(fine, true).mean()),
        }
        return beside(coarse, fine, true), scores

    def refined(self, network: Transformer, text: Tensor, mask: Tensor, coarse: int) -> Tensor:
        """Draw finer tokens with guidance; returns ids (rows, tokens)."""
        predictor, sampler, levels = self.walk(network, _STEPS)
        mute = mask & (torch.arange(mask.shape[1], device=mask.device) < coarse)

        def predict(step: Step) -> Tensor:
            full, free = (predictor(step.x, step.level, Conditioning(text, shown), []) for shown in (mask, mute))
            return free + self.recipe.saving.scale * (full - free)  # type: ignore[no-any-return]

        start = torch.zeros(len(text), network.config.side**2, device=self.device)
        *_, last = sampler.walk(predict, start, levels, Streams(range(len(text))))
        return last.x  # type: ignore[no-any-return]

    @classmethod
    def export(cls, network: Transformer, recipe: Recipe, folder: Path, wanted: Export) -> NoReturn:
        """Refuse: this stage ships with the model whose tokens it refines."""
        raise InputError(f"{recipe.name}: refines another model's tokens; export that model with this as finer")


def _square(ids: Tensor) -> Tensor:
    side = math.isqrt(ids.shape[1])
    return ids.reshape(-1, side, side)
