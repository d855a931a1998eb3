"""What a recipe can train: a generator of pictures from words, an autoencoder, a dual encoder, or token models."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.data import shapes
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.predictors.diffusion import clean_from
from limn.train.batches import Batch, feed_for, stream
from limn.train.compiling import compiled
from limn.train.losses import autoencoding, generation
from limn.train.network import Network, build, codec_of
from limn.train.recipe import Recipe

__all__ = ["Generation", "Task", "autocast", "grid", "pixels", "task_for"]

_KINDS: tuple[Literal["one", "two", "three"], ...] = ("one", "two", "three")


class Task(Protocol):
    """What the loop needs to know of a task."""

    @property
    def network(self) -> Network:
        """The network that learns."""
        ...

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step, counted from 0."""
        ...

    def finish(self, network: nn.Module) -> None:
        """Measure what a network with averaged weights needs before it can be used."""
        ...

    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Return a sample sheet (height, width, 3) and figures of merit."""
        ...


def task_for(recipe: Recipe, device: str) -> Task:
    """Build the network and the feed that a recipe asks for."""
    if recipe.task == "contrastive":
        from limn.train.contrastive import Contrastive  # which stands on this module

        return Contrastive(recipe, device)
    if recipe.task == "reader":
        from limn.train.attribute_classifier import Reading  # which stands on this module

        return Reading(recipe, device)
    if recipe.task == "distilled":
        from limn.train.distil import Distillation  # which stands on this module

        return Distillation(recipe, device)
    if recipe.task == "unlearning":
        from limn.train.unlearning import Unlearning  # which stands on this module

        return Unlearning(recipe, device)
    if recipe.task == "upsampling":
        from limn.train.upsampling import Upsampling  # which stands on this module

        return Upsampling(recipe, device)
    if recipe.task == "finer":
        from limn.train.finer import FinerGeneration  # which stands on this module

        return FinerGeneration(recipe, device)
    if recipe.task in ("vq", "masked", "autoregressive"):
        from limn.train import tokens  # which stands on this module

        kind = tokens.Quantisation if recipe.task == "vq" else tokens.TokenGeneration
        return kind(recipe, device)
    return _Autoencoding(recipe, device) if recipe.task == "autoencoder" else Generation(recipe, device)


def autocast(recipe: Recipe, device: str) -> AbstractContextManager[Any]:
    """Return the context of a forward pass: bfloat16 products where the recipe and the hardware say so."""
    kind = torch.device(device).type
    fast = kind == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    wanted = recipe.precision == "bfloat16" or (recipe.precision == "auto" and fast)
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=wanted)


class Generation:
    """Learning to draw from words: states at random noise levels, captions dropped at random.

    Args:
        recipe: What to do.
        device: Where.
    """

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device, self.words = recipe, device, TokenVectors()
        network = build(recipe).to(device)
        assert isinstance(network, Transformer)
        self.network = network
        self.feed = feed_for(recipe, self.words)
        self.answer, self.pad = compiled(network, recipe, device)
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step; captions are dropped at random, so that the model can do without."""
        objective = self.recipe.objective
        batch, text, mask, generator = self.batch(step)
        clean, lines = self._seen(batch.clean, step)
        with autocast(self.recipe, self.device):
            return generation(
                lambda x, time: self.answer(x, time, text, mask, lines=lines), clean, objective, generator
            )

    def _seen(self, clean: Tensor, step: int) -> tuple[Tensor, Tensor | None]:
        """Return what a step sees of its pictures: all, or half of the lines of patches and which ones."""
        # Drawn for eight steps together, so that workers that part a batch need equal time.
        if stream(self.recipe.seed, 8, step // 8).random() >= self.recipe.objective.partial:
            return clean.to(self.device), None
        rng, config = stream(self.recipe.seed, 7, step), self.network.config
        lines = torch.from_numpy(np.sort(rng.permutation(config.side)[: max(1, config.side // 2)]))
        rows = clean.view(*clean.shape[:2], config.side, config.patch, -1)[:, :, lines].flatten(2, 3)
        return rows.to(self.device), lines.to(self.device)

    def batch(self, step: int) -> tuple[Batch, Tensor, Tensor, torch.Generator]:
        """Return what a step learns from, its words with some captions dropped, and its source of randomness."""
        batch = self.feed(step)
        generator = torch.Generator().manual_seed(int(stream(self.recipe.seed, 3, step).integers(2**62)))
        said = torch.rand(len(batch.clean), generator=generator) >= self.recipe.objective.drop
        return batch, *self._text(batch.ids, batch.mask & said[:, None]), generator

    def finish(self, network: nn.Module) -> None:
        """Nothing is left to measure."""

    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Draw fixed prompts; on shapes, read what came out."""
        assert isinstance(network, Transformer)
        said = list(self.recipe.saving.prompts)
        asked: list[shapes.Asked] = []
        if self.recipe.data.world == "shapes" and not said:
            asked = [each for kind in _KINDS for each in shapes.prompts(kind, 32, seed=0)]
            said = [each.text for each in asked]
        pictures = self.draw(network, said or ["a red heart"])
        right = map(shapes.matches, shapes.read_all(pictures) if asked else [], asked)
        whole = np.array([each["all"] for each in right]).reshape(-1, 32)
        scores: dict[str, float] = {kind: float(share) for kind, share in zip(_KINDS, whole.mean(1), strict=False)}
        return grid(pictures), scores

    @torch.inference_mode()
    def draw(self, network: Transformer, prompts: list[str], steps: int = 24) -> NDArray[np.uint8]:
        """Walk from noise with guidance by Euler's method; returns (prompts, height, width, 3)."""
        config, count = network.config, len(prompts)
        text, mask = self._text(*self.words.ids(prompts, limit=config.text_limit))
        shape = (count, config.channels, config.grid, config.grid)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(self.device)
        for k in range(steps):
            sigma = 1 - k / steps
            time = torch.full((count,), sigma, device=self.device)
            answers = [network(x, time, text, each).float() for each in (torch.zeros_like(mask), mask)]
            free, said = (clean_from(self.recipe.objective.target, each, x, 1 - sigma, sigma) for each in answers)
            clean = free + self.recipe.saving.scale * (said - free)
            x = x + (clean - x) / (sigma * steps)
        return pixels(self.codec.decode(x.cpu()) if isinstance(self.codec, Autoencoder) else x)

    def _text(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        limit = self.network.config.text_limit
        more = min(limit, -(-ids.shape[1] // self.pad) * self.pad) - ids.shape[1]
        ids, mask = (F.pad(each, (0, max(0, more)))[:, :limit] for each in (ids, mask))
        return (self.words.vectors(ids) * mask[..., None]).to(self.device), mask.to(self.device)


class _Autoencoding:
    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, device
        network = build(recipe).to(device)
        assert isinstance(network, Autoencoder)
        self.network = network
        self.feed = feed_for(recipe, TokenVectors())
        self.probe = torch.cat([self.feed(2**40 + k).clean for k in range(-(-256 // recipe.optimiser.batch))])

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step."""
        clean = self.feed(step).clean.to(self.device)
        generator = torch.Generator().manual_seed(int(stream(self.recipe.seed, 3, step).integers(2**62)))
        with autocast(self.recipe, self.device):
            mean, log_variance = self.network.posterior(clean)
            noise = torch.randn(mean.shape, generator=generator).to(self.device)
            picture = self.network.render(mean + (log_variance / 2).exp() * noise)
        return autoencoding(picture, clean, mean, log_variance, self.recipe.objective)

    @torch.inference_mode()
    def finish(self, network: nn.Module) -> None:
        """Measure the latents' mean and standard deviation, channel by channel."""
        assert isinstance(network, Autoencoder)
        raw = torch.cat([network.posterior(part.to(self.device))[0] for part in torch.split(self.probe, 64)])
        network.mean.copy_(raw.mean((0, 2, 3)))
        network.std.copy_(raw.std((0, 2, 3)).clamp_min(1e-3))

    @torch.inference_mode()
    def show(self, network: nn.Module) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show pictures above what becomes of them; the figure is the peak signal-to-noise ratio in dB."""
        assert isinstance(network, Autoencoder)
        parts = [network.decode(network.encode(part.to(self.device))).cpu() for part in torch.split(self.probe, 64)]
        back = torch.cat(parts).clamp(-1, 1)
        error = ((back - self.probe) / 2).square().mean((1, 2, 3))
        pairs = [each for k in range(0, 32, 8) for each in (self.probe[k : k + 8], back[k : k + 8])]
        return grid(pixels(torch.cat(pairs))), {"psnr": float((-10 * error.log10()).mean())}


def pixels(states: Tensor) -> NDArray[np.uint8]:
    """Turn states (n, 3, height, width) in [-1, 1] into pictures (n, height, width, 3)."""
    bytes_ = states.float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return np.ascontiguousarray(bytes_.permute(0, 2, 3, 1).cpu().numpy())


def grid(pictures: NDArray[np.uint8], columns: int = 8) -> NDArray[np.uint8]:
    """Lay pictures of one size side by side, eight a row."""
    short = -len(pictures) % columns
    full = np.concatenate([pictures, np.full((short, *pictures.shape[1:]), 255, np.uint8)])
    rows = full.reshape(-1, columns, *pictures.shape[1:])
    return np.ascontiguousarray(rows.swapaxes(1, 2).reshape(-1, columns * pictures.shape[2], 3))
