"""Drawing from words: states at random noise levels, captions dropped at random (Lipman et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from limn.data import shapes
from limn.kernel.errors import InputError
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.predictors.diffusion import answer_for, clean_from
from limn.scene3d.triplane import Triplane
from limn.train.batches import Batch, stream
from limn.train.card import About
from limn.train.compiling import compiled
from limn.train.losses import NoiseLevels, noisy
from limn.train.model_folder import write_codec
from limn.train.network import codec_of
from limn.train.recipe import Recipe, within
from limn.train.sheet import grid, pixels
from limn.train.task import Export, Task, autocast
from limn.train.worlds import WORLDS

_KINDS: tuple[Literal["one", "two", "three"], ...] = ("one", "two", "three")


@dataclass(frozen=True, kw_only=True)
class Drawing(NoiseLevels):
    """What a generator minimises.

    Args:
        target: What the network answers: ``flow``, ``eps``, ``v`` or ``x0``.
        drop: Share of pictures shown without their caption, for guidance.
        partial: Share of steps that see half of the picture's lines of patches, drawn anew.
    """

    target: Literal["flow", "eps", "v", "x0"] = "flow"
    drop: float = 0.1
    partial: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        within(self, "objective.", drop=(0, 1), partial=(0, 1))


def generation(
    network: Callable[[Tensor, Tensor], Tensor], clean: Tensor, objective: Drawing, generator: torch.Generator
) -> Tensor:
    """Mean squared error of the answer at random noise levels (flow matching; Lipman et al. 2023).

    Args:
        network: Answers noisy states (rows, channels, height, width) at times (rows,).
        clean: Clean states, on any device.
        objective: What the network answers and which noise levels are drawn.
        generator: Source of randomness, on the CPU.

    Returns:
        A scalar.
    """
    x, time, noise = noisy(clean, objective, generator)
    sigma = time[:, None, None, None]
    return F.mse_loss(network(x, time).float(), answer_for(objective.target, clean, noise, 1 - sigma, sigma))


class Generator(Task[Transformer, Drawing]):
    """Learning to draw from words."""

    Network = Transformer
    Objective = Drawing
    family: ClassVar[str] = "native"
    """The family of models that an exported folder belongs to."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        self.words = TokenVectors()
        self.captioned = WORLDS[recipe.data.world](recipe, self.words).captioned
        self.answer, self.pad = compiled(self.network, recipe, device)
        self.codec = codec_of(recipe.data.autoencoder) if recipe.data.autoencoder else None

    def loss(self, step: int) -> Tensor:
        """Return the loss of a step; captions are dropped at random, so that the model can do without."""
        batch, text, mask, generator = self.batch(step)
        clean, lines = self.shown(batch.clean, step)
        with autocast(self.recipe, self.device):
            return generation(
                lambda x, time: self.answer(x, time, text, mask, lines=lines), clean, self.objective, generator
            )

    def shown(self, clean: Tensor, step: int) -> tuple[Tensor, Tensor | None]:
        """Return what a step sees of its pictures: all, or half of the lines of patches and which ones."""
        # Drawn for eight steps together, so that workers that part a batch need equal time.
        if stream(self.recipe.seed, 8, step // 8).random() >= self.objective.partial:
            return clean.to(self.device), None
        rng, config = stream(self.recipe.seed, 7, step), self.network.config
        lines = torch.from_numpy(np.sort(rng.permutation(config.side)[: max(1, config.side // 2)]))
        rows = clean.view(*clean.shape[:2], config.side, config.patch, -1)[:, :, lines].flatten(2, 3)
        return rows.to(self.device), lines.to(self.device)

    def batch(self, step: int) -> tuple[Batch, Tensor, Tensor, torch.Generator]:
        """Return what a step learns from, its words with some captions dropped, and its source of randomness."""
        batch, generator = self.captioned(step), self.generator(step)
        kept = torch.rand(len(batch.clean), generator=generator) >= self.objective.drop
        return batch, *self.text(batch.ids, batch.mask & kept[:, None]), generator

    def text(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return token vectors and their mask as the network takes them, padded for compilation."""
        limit = self.network.config.text_limit
        more = min(limit, -(-ids.shape[1] // self.pad) * self.pad) - ids.shape[1]
        ids, mask = (F.pad(part, (0, max(0, more)))[:, :limit] for part in (ids, mask))
        return (self.words.vectors(ids) * mask[..., None]).to(self.device), mask.to(self.device)

    def show(self, network: Transformer) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Draw fixed prompts; on shapes, read what came out."""
        prompts = list(self.recipe.saving.prompts)
        asked: list[shapes.Asked] = []
        if self.recipe.data.world == "shapes" and not prompts:
            asked = [row for kind in _KINDS for row in shapes.prompts(kind, 32, seed=0)]
            prompts = [row.text for row in asked]
        pictures = self.draw(network, prompts or ["a red heart"])
        right = map(shapes.matches, shapes.read_all(pictures) if asked else [], asked)
        whole = np.array([row["all"] for row in right]).reshape(-1, 32)
        scores: dict[str, float] = {kind: float(share) for kind, share in zip(_KINDS, whole.mean(1), strict=False)}
        return grid(pictures), scores

    @torch.inference_mode()
    def draw(self, network: Transformer, prompts: list[str], steps: int = 24) -> NDArray[np.uint8]:
        """Walk from noise with guidance by Euler's method; returns (prompts, height, width, 3)."""
        return self.walked(
            network, *self.text(*self.words.ids(prompts, limit=self.network.config.text_limit)), steps
        )

    @torch.inference_mode()
    def walked(self, network: Transformer, text: Tensor, mask: Tensor, steps: int = 24) -> NDArray[np.uint8]:
        """Draw as :meth:`draw`, given words as :meth:`text` returns them."""
        config, count = self.network.config, len(text)
        shape = (count, config.channels, config.grid, config.grid)
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1)).to(self.device)
        for k in range(steps):
            sigma = 1 - k / steps
            time = torch.full((count,), sigma, device=self.device)
            free, full = (
                clean_from(self.objective.target, network(x, time, text, shown).float(), x, 1 - sigma, sigma)
                for shown in (torch.zeros_like(mask), mask)
            )
            clean = free + self.recipe.saving.scale * (full - free)
            x = x + (clean - x) / (sigma * steps)
        return pixels(self.codec.decode(x.cpu()) if isinstance(self.codec, Autoencoder | Triplane) else x)

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        latent = {"pictograms": ("rombach2022latent",), "toys3d": ("chan2022eg3d",)}.get(recipe.data.world, ())
        objective = cls.objective_of(recipe).target
        return About(kind="A text-to-image model", objective=objective, papers=("lipman2023flow", *latent))

    @classmethod
    def export(cls, network: Transformer, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the model, its codec, its finer stage and the words that it knows."""
        shape = super().export(network, recipe, folder, wanted)
        config = {"family": cls.family, "transformer": shape, **cls.answers(recipe)}
        size = network.config.grid
        if recipe.data.autoencoder:
            codec = codec_of(wanted.autoencoder or recipe.data.autoencoder)
            config |= write_codec(codec, folder, recipe.name, wanted.tokens_of)
            size *= codec.factor
        config["size"] = size
        if wanted.finer is not None:
            config["finer"] = cls.export_finer(wanted.finer, recipe, folder)
        styles = WORLDS[recipe.data.world].styles_of(recipe) if wanted.styles else {}
        return {**config, **wanted.defaults, **({"styles": dict(styles)} if styles else {})}

    @classmethod
    def answers(cls, recipe: Recipe) -> Mapping[str, Any]:
        """Return what the configuration says of the network's answers."""
        return {"target": cls.objective_of(recipe).target}

    @classmethod
    def export_finer(cls, checkpoint: Path, recipe: Recipe, folder: Path) -> dict[str, Any]:
        """Write the stage that refines the model's tokens; return what the configuration says of it."""
        raise InputError(f"finer: {checkpoint} does not refine the tokens of {recipe.data.autoencoder}")
