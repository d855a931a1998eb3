"""limn's own text-to-image models: flow matching with one transformer, on pixels or on latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from limn.codecs.latents import Latents
from limn.codecs.pixels import Pixels
from limn.codecs.scenes import Scenes
from limn.encoders.known import Known
from limn.encoders.prompt import PromptEncoder
from limn.io.configurations import read_config
from limn.kernel.attention import AttentionEdit
from limn.kernel.codec import Codec
from limn.kernel.generator import Generator
from limn.kernel.known import KNOWN
from limn.kernel.predictor import Conditioning
from limn.kernel.stage import Stage
from limn.models.parts import ModelConfig, assembled, check_fit, fill, sampler_of
from limn.networks.autoencoder import Autoencoder
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.networks.weights import sized
from limn.predictors.diffusion import Diffusion, Target
from limn.samplers.levels import Flow
from limn.scene3d.triplane import Triplane

SOURCE = "source.safetensors"
"""The tri-plane before, in the folder of a model that was adapted to another look."""
LARGEST = 4
"""Sides that may be drawn, over those that were learned; what is larger is far from all that a model has seen."""


@dataclass(frozen=True, kw_only=True)
class NativeConfig(ModelConfig):
    """The file ``config.json`` of a native model; nothing else may stand in it.

    Args:
        target: What the network was trained to answer: ``eps``, ``x0``, ``v`` or ``flow``.
        autoencoder: Fields of the autoencoder's configuration; empty for models of pixels.
        triplane: Fields of the tri-plane's configuration, for models of things in three dimensions.
    """

    families = ("native",)

    family: str = "native"
    target: Target = "flow"
    autoencoder: dict[str, Any] = field(default_factory=dict)
    triplane: dict[str, Any] = field(default_factory=dict)
    sampler: str = "dpmpp_2m"


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
        answer: Tensor = self.transformer(
            x, time, conditioning.tokens, conditioning.mask, edits=edits, sigma=sigma, **self.besides(conditioning)
        )
        return answer

    def besides(self, conditioning: Conditioning) -> dict[str, Any]:
        """Return what the transformer is given besides words."""
        return {"given": conditioning.extras.get(KNOWN)}


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load a native model from its folder.

    Args:
        folder: Holds ``config.json``, ``model.safetensors`` and, for models of latents or of things in three
            dimensions, ``autoencoder.safetensors`` or ``triplane.safetensors``.
        name: What the generator calls itself.
        device: Where it runs.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(NativeConfig, folder / "config.json")
    transformer = sized(lambda: Transformer.from_config(config.transformer), folder / "model.safetensors")
    hashes = [fill(transformer, folder / "model.safetensors", device)]
    codec, more = coded(folder, config, transformer.config.patch, device)
    hashes += more
    words = TokenVectors()
    shape, grid = transformer.config, transformer.config.grid
    fits = {
        "state": (codec.shape(config.size, config.size), (shape.channels, grid, grid)),
        "text": (shape.text_width, words.width),
        "given": (shape.given, (1 + shape.channels) * bool(shape.given)),
    }
    check_fit(folder, "transformer and codec", fits)
    encoder = PromptEncoder(words, limit=shape.text_limit, device=device)
    stage = Stage(
        encoder=Known(encoder) if shape.given else encoder,
        predictor=Diffusion(network=Network(transformer), target=config.target),
        codec=codec,
        schedule=Flow(),
        sampler=sampler_of(folder, config.sampler),
        steps=config.steps,
        known=bool(shape.given),
        device=device,
    )
    return assembled(name, [stage], config, hashes, largest=LARGEST)


def coded(folder: Path, config: NativeConfig, patch: int, device: str) -> tuple[Codec, list[str]]:
    """Return what turns a model's states into pictures, and the SHA-256 of its weights if it has any."""
    if config.triplane:
        path = folder / "triplane.safetensors"
        triplane = sized(lambda: Triplane.from_config(config.triplane), path)
        hashes, before, source = [fill(triplane, path, device)], folder / SOURCE, None
        if before.exists():
            source = sized(lambda: Triplane.from_config(config.triplane), before)
            hashes.append(fill(source, before, device))
        return Scenes(triplane, source=source), hashes
    if not config.autoencoder:
        return Pixels(multiple=patch), []
    path = folder / "autoencoder.safetensors"
    autoencoder = sized(lambda: Autoencoder.from_config(config.autoencoder), path)
    digest = fill(autoencoder, path, device)
    return Latents(autoencoder, patch=patch), [digest]
