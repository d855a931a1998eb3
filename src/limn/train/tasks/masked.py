"""Tokens from words, all at once: hidden tokens are learned from the others (Chang et al. 2023, section 2.4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ
from limn.predictors import masked
from limn.samplers.decoding import Masking
from limn.samplers.unmask import Unmask
from limn.train.batches import PROBE
from limn.train.card import About
from limn.train.model_folder import write_weights
from limn.train.network import averaged_of, codec_of, recipe_of, state_of
from limn.train.recipe import Recipe
from limn.train.sheet import pixels
from limn.train.task import autocast
from limn.train.tasks.generator import Generator

Logits = Callable[[Tensor], Tensor]
"""Answers token ids (rows, tokens) with logits (rows, tokens, classes or more)."""

_STEPS = 16


def hiding_rates(rows: int, generator: torch.Generator) -> Tensor:
    """Draw the share of tokens to hide, (rows,): cos(pi/2 u) for uniform u, whose mean is 2 / pi."""
    return torch.cos(torch.rand(rows, generator=generator) * (math.pi / 2))


def hide(rows: int, tokens: int, generator: torch.Generator) -> Tensor:
    """Draw which tokens are hidden, (rows, tokens): at least one a row."""
    counts = (hiding_rates(rows, generator) * tokens).round().clamp(min=1)
    places = torch.rand(rows, tokens, generator=generator).argsort(1).argsort(1)
    return places < counts[:, None]


def masked_loss(network: Logits, ids: Tensor, hidden: Tensor, classes: int) -> Tensor:
    """Cross-entropy of the hidden tokens, in nats.

    Args:
        network: Sees ``classes`` in the place of a hidden token.
        ids: Tokens (rows, tokens).
        hidden: Which are hidden (rows, tokens).
        classes: How many tokens there are.
    """
    logits = network(ids.masked_fill(hidden, classes))[..., :classes]
    return F.cross_entropy(logits[hidden].float(), ids[hidden])


class Masked(Generator):
    """Learning to draw tokens from words; the recipe's ``data.autoencoder`` names a trained ``vq``."""

    paper = "chang2023muse"
    family = "muse"
    kind: ClassVar[str] = "A text-to-image model that draws tokens in parallel (after Muse)"
    learned: ClassVar[str] = "cross-entropy of hidden tokens"
    causal: ClassVar[bool] = False

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.tokenizer = tokenizer_of(recipe.data.autoencoder, "data.autoencoder: name the folder of a trained vq")
        super().__init__(recipe, device)
        config, classes = self.network.config, self.tokenizer.codes
        if config.vocabulary != classes + 1 or config.causal != self.causal:
            wanted = f"vocabulary = {classes + 1}, causal = {str(self.causal).lower()}"
            raise InputError(f"network: does not fit its task and tokens; set {wanted}")

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        return self.token_loss(self.answer, step, training=True)

    def token_loss(self, network: Callable[..., Tensor], step: int, *, training: bool = False) -> Tensor:
        """Return the loss of a network on the batch of a step."""
        batch, text, mask, generator = self.batch(step)

        def answer(tokens: Tensor) -> Tensor:
            logits: Tensor = network(tokens, None, text, mask)
            return logits

        with autocast(self.recipe, self.device):
            return self.cross_entropy(answer, batch.clean.to(self.device), generator, training)

    def cross_entropy(self, network: Logits, ids: Tensor, generator: torch.Generator, training: bool) -> Tensor:
        """Return what is minimised of tokens (rows, tokens)."""
        hidden = hide(ids.shape[0], ids.shape[1], generator).to(self.device)
        return masked_loss(network, ids, hidden, self.tokenizer.codes)

    @torch.inference_mode()
    def show(self, network: Transformer) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Draw fixed prompts; figures: the loss on batches that training does not reach, and what is read."""
        picture, scores = super().show(network)
        return picture, {"loss": self.probe_loss(network), **scores}

    def probe_loss(self, network: Transformer) -> float:
        """Return the mean loss of four batches that training does not reach."""
        return sum(float(self.token_loss(network, PROBE + k)) for k in range(4)) / 4

    @torch.inference_mode()
    def draw(self, network: Transformer, prompts: list[str], steps: int = _STEPS) -> NDArray[np.uint8]:
        """Draw prompts with guidance; returns (prompts, height, width, 3)."""
        streams, side = Streams(range(len(prompts))), network.config.side
        encoder = PromptEncoder(self.words, limit=network.config.text_limit, device=self.device)
        guidance = ClassifierFree(scale=self.recipe.saving.scale)
        predictor, sampler, levels = self.walk(network, steps)
        runner = Runner(predictor, encoder, [Prompt(text) for text in prompts], [guidance], streams)
        start = torch.zeros(len(prompts), side**2, device=self.device)
        *_, last = sampler.walk(runner, start, levels, streams)
        return pixels(self.tokenizer.decode(last.x.cpu().view(-1, side, side)))

    def walk(self, network: Transformer, steps: int) -> tuple[Any, Any, Any]:
        """Return the predictor, the sampler and its levels with which tokens are drawn."""
        sampler = Unmask()
        return masked.Masked(network=network), sampler, Masking().levels(steps, sampler)

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(kind=cls.kind, objective=cls.learned, papers=(cls.paper,))

    @classmethod
    def answers(cls, recipe: Recipe) -> Mapping[str, Any]:
        """Return nothing: logits are logits."""
        return {}

    @classmethod
    def export_finer(cls, checkpoint: Path, recipe: Recipe, folder: Path) -> dict[str, Any]:
        """Write the stage that refines the model's tokens; return what the configuration says of it."""
        state = state_of(checkpoint)
        finer = recipe_of(state)
        if finer.task != "finer" or finer.data.coarse != recipe.data.autoencoder:
            return super().export_finer(checkpoint, recipe, folder)
        network, tokenizer = averaged_of(state), tokenizer_of(finer.data.autoencoder)
        write_weights(network, folder / "finer.safetensors", finer.name)
        write_weights(tokenizer, folder / "finer_vq.safetensors", finer.name)
        return {"transformer": asdict(network.config), "vq": asdict(tokenizer.config)}


def tokenizer_of(name: str, missing: str = "") -> VQ:
    """Return a trained ``vq``, ready for use.

    Args:
        name: Its folder, or the name of a shipped model.
        missing: What to say where there is no name.

    Raises:
        InputError: There is no name, or what it names is no ``vq``.
    """
    if not name:
        raise InputError(missing)
    codec = codec_of(name)
    if not isinstance(codec, VQ):
        raise InputError(f"{missing.partition(':')[0]}: {name} holds no vq; train one first")
    return codec
