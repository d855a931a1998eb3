"""The stage that draws finer tokens from coarser ones and the words (Chang et al. 2023, section 2.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limn.codecs.tokens import Tokens
from limn.encoders.coarse import PLACES, CoarseEncoder
from limn.encoders.prompt import PromptEncoder
from limn.io.configurations import check_range, read_config
from limn.kernel.stage import Stage
from limn.models.parts import check_fit, fill, sampler_of
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ
from limn.networks.weights import sized
from limn.predictors.masked import Masked
from limn.samplers.decoding import Masking


@dataclass(frozen=True, kw_only=True)
class FinerConfig:
    """The table ``finer`` of a token model's ``config.json``.

    Args:
        transformer: Fields of the transformer's configuration.
        vq: Fields of the finer tokenizer's configuration.
        steps: Steps drawn.
        sampler: Sampler, as text.
    """

    transformer: dict[str, Any] = field(default_factory=dict)
    vq: dict[str, Any] = field(default_factory=dict)
    steps: int = 8
    sampler: str = "unmask"

    def __post_init__(self) -> None:
        check_range(self, steps=(1, 1000))


def finer(
    folder: Path, fields: dict[str, Any], *, coarse: VQ, side: int, size: int, device: str
) -> tuple[Stage, list[str]]:
    """Load the stage that refines a token model's pictures.

    Args:
        folder: Holds ``finer.safetensors`` and ``finer_vq.safetensors``.
        fields: Those of :class:`FinerConfig`.
        coarse: The tokenizer whose tokens it is given.
        side: Coarse tokens along one side of a picture.
        size: Side of the pictures in pixels.
        device: Where it runs.

    Returns:
        The stage, and the SHA-256 of its two files.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(FinerConfig, fields)
    transformer = sized(lambda: Transformer.from_config(config.transformer), folder / "finer.safetensors")
    tokenizer = sized(lambda: VQ.from_config(config.vq), folder / "finer_vq.safetensors")
    shape, words = transformer.config, TokenVectors()
    fits = {
        "tokens": (shape.vocabulary, tokenizer.codes + 1),
        "size": (shape.side * tokenizer.factor, size),
        "side": (shape.side % side, 0),
        "causal": (shape.causal, False),
        "text": (shape.text_width, words.width + coarse.config.code_width + PLACES),
        "words": (shape.text_limit > side**2, True),
    }
    check_fit(folder, "finer and the stage before it", fits)
    hashes = [
        fill(transformer, folder / "finer.safetensors", device),
        fill(tokenizer, folder / "finer_vq.safetensors", device),
    ]
    prompts = PromptEncoder(words, limit=shape.text_limit - side**2, device=device)
    stage = Stage(
        encoder=CoarseEncoder(prompts, coarse, tokens=side**2, side=shape.side),
        predictor=Masked(network=transformer),
        codec=Tokens(tokenizer),
        schedule=Masking(),
        sampler=sampler_of(folder, config.sampler),
        steps=config.steps,
        refines=True,
        device=device,
    )
    return stage, hashes
