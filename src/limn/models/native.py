"""limn's own text-to-image models: flow matching with one transformer, on pixels or on latents."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from limn.codecs.latents import Latents
from limn.codecs.pixels import Pixels
from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.io.configurations import check_range, read_config, require
from limn.kernel.attention import AttentionEdit
from limn.kernel.codec import Codec
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator, Stage
from limn.kernel.predictor import Conditioning
from limn.models.parts import fill, sampler_of
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.predictors.diffusion import Diffusion, Target
from limn.samplers.levels import Flow

__all__ = ["NativeConfig", "load"]


@dataclass(frozen=True, kw_only=True)
class NativeConfig:
    """The file ``config.json`` of a native model; nothing else may stand in it.

    Args:
        family: Always ``"native"``.
        size: Side of the pictures in pixels.
        target: What the network was trained to answer: ``eps``, ``x0``, ``v`` or ``flow``.
        transformer: Fields of the transformer's configuration.
        autoencoder: Fields of the autoencoder's configuration; empty for models of pixels.
        steps: Steps drawn by default.
        sampler: Sampler used by default, as text.
        scale: Guidance scale used by default.
        batch: Pictures drawn together by default.
        styles: Words for each style, with ``{}`` where the prompt goes.
    """

    family: str = "native"
    size: int = 64
    target: Target = "flow"
    transformer: dict[str, Any] = field(default_factory=dict)
    autoencoder: dict[str, Any] = field(default_factory=dict)
    steps: int = 16
    sampler: str = "dpmpp_2m"
    scale: float = 4.0
    batch: int = 16
    styles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_range(self, size=(8, 1024), steps=(1, 1000), batch=(1, 1024))
        require(self.family == "native", f"family must be native, not {self.family[:20]}")
        require(math.isfinite(self.scale) and 0 <= self.scale <= 100, "scale must be from 0 to 100")
        require(
            all(isinstance(words, str) and words.count("{}") == 1 for words in self.styles.values()),
            "each style must be words with one {} where the prompt goes",
        )


class Network:
    """The transformer in the form a diffusion predictor asks for."""

    def __init__(self, transformer: Transformer) -> None:
        self.transformer = transformer

    @property
    def module(self) -> Transformer:
        """The network inside."""
        return self.transformer

    def flops(self, x: Tensor, conditioning: Conditioning) -> int:
        """Return the floating-point operations of one answer."""
        tokens = x.shape[2] * x.shape[3] // self.transformer.config.patch**2
        return self.transformer.flops(len(x), conditioning.tokens.shape[1], tokens, timed=True)

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None] = (),
        sigma: Tensor | None = None,
    ) -> Tensor:
        """Answer rows (rows, channels, height, width); shapes as in :class:`limn.predictors.diffusion.Diffusion`."""
        edits = edits if any(edit is not None for edit in edits) else ()
        answer: Tensor = self.transformer(x, time, conditioning.tokens, conditioning.mask, edits=edits, sigma=sigma)
        return answer


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load a native model from its folder.

    Args:
        folder: Holds ``config.json``, ``model.safetensors`` and, for models of latents, ``autoencoder.safetensors``.
        name: What the generator calls itself.
        device: Where it runs.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(NativeConfig, folder / "config.json")
    transformer = Transformer.from_config(config.transformer)
    hashes = [fill(transformer, folder / "model.safetensors", device)]
    codec: Codec = Pixels()
    if config.autoencoder:
        autoencoder = Autoencoder.from_config(config.autoencoder)
        hashes.append(fill(autoencoder, folder / "autoencoder.safetensors", device))
        codec = Latents(autoencoder)
    words = TokenVectors()
    shape = codec.shape(config.size, config.size)
    wanted = (transformer.config.channels, transformer.config.grid, transformer.config.grid)
    if shape != wanted or transformer.config.text_width != words.width:
        raise WeightsError(
            f"{folder / 'config.json'}: transformer and codec do not fit ({wanted}, {shape}); export again"
        )
    stage = Stage(
        encoder=PromptEncoder(words, limit=transformer.config.text_limit, device=device),
        predictor=Diffusion(network=Network(transformer), target=config.target),
        codec=codec,
        schedule=Flow(),
        sampler=sampler_of(folder, config.sampler),
        steps=config.steps,
        device=device,
    )
    return Generator(
        name,
        [stage],
        weights=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        size=(config.size, config.size),
        guidance=[ClassifierFree(scale=config.scale)],
        batch=config.batch,
        styles=config.styles,
    )
