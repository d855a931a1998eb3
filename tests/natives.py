"""A native model with small random weights, made in memory."""

from __future__ import annotations

import torch

from limn.codecs.pixels import Pixels
from limn.encoders.prompt import PromptEncoder
from limn.kernel import registry
from limn.kernel.stage import Stage
from limn.models.native import Network
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer, TransformerConfig
from limn.predictors.diffusion import Diffusion
from limn.samplers.levels import Flow

__all__ = ["native"]


def native(depth: int = 3) -> Stage:
    """Build a model of pictures with 16 pixels a side in 4 times 4 tokens; every weight speaks."""
    config = TransformerConfig(width=32, depth=depth, heads=2, text_width=128, channels=3, grid=16, patch=4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Transformer(config)
        for parameter in network.parameters():
            if not parameter.any():
                torch.nn.init.normal_(parameter, std=0.1)
    return Stage(
        encoder=PromptEncoder(TokenVectors(), limit=config.text_limit),
        predictor=Diffusion(network=Network(network.eval().requires_grad_(False)), target="flow"),
        codec=Pixels(),
        schedule=Flow(),
        sampler=registry.parse("samplers", "ddim"),  # type: ignore[arg-type]
        steps=3,
    )
