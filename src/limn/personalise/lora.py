"""Plain fine-tuning on captioned pictures, as low-rank factors (Hu et al. 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from limn.kernel.errors import InputError
from limn.kernel.stage import Stage
from limn.personalise.denoising import Rows
from limn.personalise.factors import TrainableFactors
from limn.personalise.method import Given, Lesson, Method, picked, said
from limn.personalise.trainable import Several, Trainable


@dataclass(frozen=True, kw_only=True)
class LoRA(Method):
    """Learn what captions say of pictures, in low-rank factors: ``W x`` becomes ``W x + B A x``, B zero at first.

    Args:
        rank: Of the factors.
        text: Whether the text encoder's layers learn too, where it has any.
    """

    paper = "hu2022lora"

    rank: int = 8
    text: bool = False

    def __post_init__(self) -> None:
        self.check(rank=(1, 1024))

    def lesson(self, given: Given) -> Lesson:
        """Return what is to be done: each picture with its own caption."""
        for one in given.shown:
            if not one.caption:
                raise InputError(f"{one.name}: has no caption; give --caption, metadata.jsonl or a .txt beside it")
        clean, captions = given.encoded(given.learned), said(given.learned, ())
        held = Rows.of(given.encoded(given.kept_out), [one.caption for one in given.kept_out])
        plain = self.thing or given.shown[0].caption

        def rows(step: int, generator: torch.Generator) -> Rows:
            return picked(clean, captions, self.batch, generator)

        return Lesson(
            change=factors(given, rank=self.rank, text=self.text),
            rows=rows,
            held=held,
            ordinary=Rows.of(held.clean, [""] * len(held.clean)),
            prompts=list(dict.fromkeys(one.caption for one in given.shown)),
            plain=plain,
        )


def factors(given: Given, *, rank: int, text: bool) -> Trainable:
    """Return low-rank factors of a model's network, and of its text encoder if that is asked for.

    Raises:
        InputError: The text encoder has no layers that could learn.
    """
    own = TrainableFactors(network_of(given.stage), rank=rank, seed=given.seed, part=part_of(given.stage))
    if not text:
        return own
    model: Any = getattr(given.stage.encoder, "model", None)
    if not isinstance(model, nn.Module):
        raise InputError(
            f"text: {given.generator.name} reads words by frozen vectors, no layer can learn; leave it out"
        )
    return Several(own, TrainableFactors(model, rank=rank, seed=given.seed + 1, part="text_encoder", reads=True))


def part_of(stage: Stage) -> str:
    """Return what files call the network of a stage."""
    return "unet" if hasattr(network_of(stage), "conv_in") else "transformer"


def network_of(stage: Stage) -> nn.Module:
    """Return the network inside a stage's predictor."""
    predictor: Any = stage.predictor
    module: nn.Module = predictor.network.module
    return module
