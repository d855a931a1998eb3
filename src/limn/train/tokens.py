"""Training of tokens: pictures to codes and back, and models that draw codes from words.

Masked models learn hidden tokens from the others (Chang et al. 2023, section 2.4), autoregressive ones each token
from those before it (Yu et al. 2022, section 2.2); both by cross-entropy, from the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.errors import InputError
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Runner
from limn.networks.dual_encoder import DualEncoder, ImageTower
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ, Quantised, perplexity
from limn.predictors.autoregressive import Autoregressive
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking, Raster
from limn.samplers.next_token import NextToken
from limn.samplers.unmask import Unmask
from limn.train.batches import feed_for, stream
from limn.train.losses import seen_apart
from limn.train.network import build, codec_of
from limn.train.recipe import Objective, Recipe
from limn.train.tasks import Generation, autocast, grid, pixels

__all__ = [
    "PROBE", "Quantisation", "TokenGeneration", "hide", "hiding_rates", "masked_loss", "next_loss", "quantising",
]  # fmt: skip

Logits = Callable[[Tensor], Tensor]
"""Answers token ids (rows, tokens) with logits (rows, tokens, classes or more)."""

PROBE = 2**40
"""Batches from here on are shown, never learned from."""

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


def next_loss(network: Logits, ids: Tensor, classes: int, forgotten: Tensor | None = None) -> Tensor:
    """Cross-entropy of each token given those before it, in nats; the first one follows the token ``classes``.

    Args:
        network: Sees ``classes`` in the place of a forgotten token.
        ids: Tokens (rows, tokens).
        classes: How many tokens there are.
        forgotten: Which tokens the later ones do not see (rows, tokens); all are seen if None.
    """
    seen = ids if forgotten is None else ids.masked_fill(forgotten, classes)
    logits = network(F.pad(seen[:, :-1], (1, 0), value=classes))[..., :classes]
    return F.cross_entropy(logits.flatten(0, 1).float(), ids.flatten())


def quantising(seen: Quantised, clean: Tensor, objective: Objective) -> Tensor:
    """Errors of pictures and of their gradients, and the distance of features and codes.

    Args:
        seen: What became of the pictures.
        clean: The pictures (pictures, 3, height, width) in [-1, 1].
        objective: Weights of the terms.
    """
    error = seen.picture.float() - clean
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    size = error.abs().mean() + error.square().mean()
    return size + objective.gradients * edges + seen.pull + objective.commitment * seen.commitment


class Quantisation:
    """Learning tokens for pictures.

    Args:
        recipe: What to do.
        device: Where.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, device
        network = build(recipe).to(device)
        assert isinstance(network, VQ)
        self.network = network
        if recipe.objective.decoder:
            network.encoder.requires_grad_(False)
            network.codebook.requires_grad_(False)
        judge = recipe.objective.judge if recipe.objective.features else None
        self.tower = DualEncoder.load(judge, device=device).image if judge else None
        self.feed = feed_for(recipe, TokenVectors())
        self.probe = torch.cat([self.feed(PROBE + k).clean for k in range(-(-256 // recipe.optimiser.batch))])

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        objective, clean = self.recipe.objective, self.feed(step).clean.to(self.device)
        if not objective.decoder and step < objective.revive and step % 10 == 0:
            generator = torch.Generator().manual_seed(int(stream(self.recipe.seed, 3, step).integers(2**62)))
            with torch.no_grad(), autocast(self.recipe, self.device):
                self.network.revive(self.network.features(clean), generator)
        with autocast(self.recipe, self.device):
            seen: Quantised = self.network(clean)
        if not objective.decoder:
            self.network.note(seen.ids)
        loss = quantising(seen, clean, objective)
        return loss if self.tower is None else loss + objective.features * self._apart(self.tower, seen, clean)

    def _apart(self, tower: ImageTower, seen: Quantised, clean: Tensor) -> Tensor:
        with autocast(self.recipe, self.device):
            with torch.no_grad():
                true = tower.features(clean)
            return seen_apart(tower.features(seen.picture.float()), true)

    @torch.inference_mode()
    def finish(self, network: nn.Module) -> None:
        """Measure how much each token is used; 1 is an equal share."""
        assert isinstance(network, VQ)
        ids = self._tokens(network)
        counts = torch.bincount(ids.flatten(), minlength=network.codes)
        network.usage.copy_(counts * (network.codes / ids.numel()))

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures above what becomes of them; figures: signal-to-noise ratio in dB, tokens in use."""
        assert isinstance(network, VQ)
        ids = self._tokens(network)
        back = torch.cat([network.decode(part).cpu() for part in torch.split(ids, 64)]).clamp(-1, 1)
        error = ((back - self.probe) / 2).square().mean((1, 2, 3))
        pairs = [each for k in range(0, 32, 8) for each in (self.probe[k : k + 8], back[k : k + 8])]
        scores = {
            "psnr": float((-10 * error.log10()).mean()),
            "perplexity": perplexity(ids, network.codes),
            "used": len(torch.unique(ids)) / network.codes,
        }
        return grid(pixels(torch.cat(pairs))), scores

    def _tokens(self, network: VQ) -> Tensor:
        return torch.cat([network.encode(part.to(self.device)) for part in torch.split(self.probe, 64)])


class TokenGeneration(Generation):
    """Learning to draw tokens from words, all at once or one after another.

    Args:
        recipe: What to do.
        device: Where.

    Raises:
        InputError: The recipe names no trained ``vq``, or its tokens do not fit the network.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        if not recipe.data.autoencoder:
            raise InputError("data.autoencoder: name the folder of a trained vq")
        tokenizer = codec_of(recipe.data.autoencoder)
        if not isinstance(tokenizer, VQ):
            raise InputError(f"data.autoencoder: {recipe.data.autoencoder} holds no vq; train one first")
        super().__init__(recipe, device)
        self.tokenizer, self.parallel = tokenizer, recipe.task != "autoregressive"
        config = self.network.config
        if config.vocabulary != tokenizer.codes + 1 or config.causal == self.parallel:
            wanted = f"vocabulary = {tokenizer.codes + 1}, causal = {str(not self.parallel).lower()}"
            raise InputError(f"network: does not fit its task and tokens; set {wanted}")

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        return self._loss(self.answer, step, forget=True)

    def _loss(self, network: Callable[..., Tensor], step: int, *, forget: bool = False) -> Tensor:
        batch, text, mask, generator = self.batch(step)
        ids, classes = batch.clean.to(self.device), self.tokenizer.codes

        def answer(tokens: Tensor) -> Tensor:
            logits: Tensor = network(tokens, None, text, mask)
            return logits

        with autocast(self.recipe, self.device):
            if not self.parallel:
                return next_loss(answer, ids, classes, self._forgotten(ids, generator) if forget else None)
            return masked_loss(answer, ids, hide(ids.shape[0], ids.shape[1], generator).to(self.device), classes)

    def _forgotten(self, ids: Tensor, generator: torch.Generator) -> Tensor:
        """Draw which tokens the later ones do not see: of each row a share from 0 to ``objective.forget``."""
        share = torch.rand(len(ids), 1, generator=generator) * self.recipe.objective.forget
        return (torch.rand(ids.shape, generator=generator) < share).to(ids.device)

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Draw fixed prompts; figures: the loss on batches that training does not reach, and what is read."""
        picture, scores = super().show(network)
        losses = [float(self._loss(network, PROBE + k)) for k in range(4)]
        return picture, {"loss": sum(losses) / 4, **scores}

    @torch.inference_mode()
    def draw(self, network: Transformer, prompts: list[str], steps: int = _STEPS) -> NDArray[np.uint8]:
        """Draw prompts with guidance; returns (prompts, height, width, 3)."""
        tokens, streams = network.config.side**2, Streams(range(len(prompts)))
        predictor = Masked(network=network) if self.parallel else Autoregressive(network=network)
        encoder = PromptEncoder(self.words, limit=network.config.text_limit, device=self.device)
        said = [Prompt(each) for each in prompts]
        guidance = ClassifierFree(scale=self.recipe.saving.scale)
        runner = Runner(predictor, encoder, said, [guidance], streams)
        sampler = Unmask() if self.parallel else NextToken()
        schedule = Masking() if self.parallel else Raster(tokens=tokens)
        levels = schedule.levels(steps if self.parallel else tokens, sampler)
        start = torch.zeros(len(prompts), tokens, device=self.device)
        *_, last = sampler.walk(runner, start, levels, streams)
        side = network.config.side
        return pixels(self.tokenizer.decode(last.x.cpu().view(-1, side, side)))
