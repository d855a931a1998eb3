"""What the families of token models share: their folder, their tokenizer and their words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limn.codecs.tokens import Tokens
from limn.encoders.coarse import GIVEN
from limn.encoders.prompt import PromptEncoder
from limn.io.configurations import read_config, require
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator
from limn.kernel.predictor import Predictor
from limn.kernel.sampler import Schedule
from limn.kernel.stage import Stage
from limn.models.finer import finer
from limn.models.parts import ModelConfig, assembled, check_fit, fill, sampler_of
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import Transformer
from limn.networks.vq import VQ
from limn.networks.weights import sized


@dataclass(frozen=True, kw_only=True)
class TokenConfig(ModelConfig):
    """The file ``config.json`` of a token model; nothing else may stand in it.

    ``muse`` draws tokens in parallel, ``parti`` token after token and so always in one step for each; an empty
    ``sampler`` is the family's own.

    Args:
        vq: Fields of the tokenizer's configuration.
        growing: Whether the scale grows from 1 over the walk by default.
        finer: Fields of :class:`limn.models.finer.FinerConfig`; empty where no stage draws finer tokens.
        tokens_of: Name of the model folder beside this one whose ``vq.safetensors`` is read; empty for its own.
        tokens_sha256: What the SHA-256 of that file must be.
    """

    families = ("muse", "parti")

    family: str = "muse"
    vq: dict[str, Any] = field(default_factory=dict)
    steps: int = 12
    scale: float = 3.0
    growing: bool = False
    finer: dict[str, Any] = field(default_factory=dict)
    tokens_of: str = ""
    tokens_sha256: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(re.fullmatch(r"\w{0,60}", self.tokens_of) is not None, "tokens_of must be a model's name")
        require(bool(self.tokens_of) == bool(self.tokens_sha256), "tokens_of and tokens_sha256 go together")


def generator(
    folder: Path,
    *,
    name: str,
    device: str,
    predictor: Callable[[Transformer], Predictor],
    schedule: Callable[[int], Schedule],
    sampler: str,
) -> Generator:
    """Load a token model from its folder.

    Args:
        folder: Holds ``config.json``, ``model.safetensors`` and ``vq.safetensors``, and those of a finer stage.
        name: What the generator calls itself.
        device: Where it runs.
        predictor: The family's predictor of a transformer.
        schedule: The family's levels, given how many tokens a picture has.
        sampler: The family's own sampler.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(TokenConfig, folder / "config.json")
    home = folder.resolve().parent / config.tokens_of if config.tokens_of else folder
    transformer = sized(lambda: Transformer.from_config(config.transformer), folder / "model.safetensors")
    tokenizer = sized(lambda: VQ.from_config(config.vq), home / "vq.safetensors")
    words, shape, side = TokenVectors(), transformer.config, transformer.config.side
    fits = {
        "tokens": (shape.vocabulary, tokenizer.codes + 1),
        "size": (config.size, side * tokenizer.factor),
        "causal": (shape.causal, config.family == "parti"),
        "text": (shape.text_width, words.width),
    }
    check_fit(folder, "transformer and vq", fits)
    hashes = [
        fill(transformer, folder / "model.safetensors", device),
        _tokens(tokenizer, folder, home, config, device),
    ]
    stage = Stage(
        encoder=PromptEncoder(words, limit=shape.text_limit, device=device),
        predictor=predictor(transformer),
        codec=Tokens(tokenizer),
        schedule=schedule(side**2),
        sampler=sampler_of(folder, config.sampler or sampler),
        steps=side**2 if config.family == "parti" else config.steps,
        gives=GIVEN if config.finer else "image",
        device=device,
    )
    stages = [stage]
    if config.finer:
        refining, more = finer(folder, config.finer, coarse=tokenizer, side=side, size=config.size, device=device)
        stages.append(refining)
        hashes += more
    return assembled(name, stages, config, hashes, schedule="linear" if config.growing else "constant")


def _tokens(tokenizer: VQ, folder: Path, home: Path, config: TokenConfig, device: str) -> str:
    """Load the tokenizer, of this folder or of one beside it, and return its file's SHA-256."""
    digest = fill(tokenizer, home / "vq.safetensors", device)
    if config.tokens_of and digest != config.tokens_sha256:
        raise WeightsError(
            f"{folder / 'config.json'}: {config.tokens_of} has other tokens than this model learned; export again"
        )
    return digest
