"""From the parts of a transformer checkpoint to a generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from limn.codecs.latents import Latents
from limn.encoders.resting import Resting
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.predictor import Encoder
from limn.kernel.sampler import Sampler, Schedule
from limn.kernel.stage import Stage
from limn.models import memory
from limn.models.checkpoints.shared.attention import Transformer
from limn.models.checkpoints.shared.folder import Folder
from limn.predictors.diffusion import Diffusion, Target

BATCH = 1  # such networks are large


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What a family draws with unless a request says otherwise.

    Args:
        steps: Steps of the sampler.
        scale: Scale of classifier-free guidance, where ``guidance`` is none.
        sampler: The sampler, perhaps as text.
        guidance: In place of classifier-free guidance, one or several.
    """

    steps: int
    scale: float = 1.0
    sampler: Sampler | str = "euler"
    guidance: Guidance | tuple[Guidance, ...] = ()

    @property
    def guidances(self) -> tuple[Guidance, ...]:
        """All guidances."""
        own = (self.guidance,) if isinstance(self.guidance, Guidance) else self.guidance
        return own or (ClassifierFree(scale=self.scale),)


def usual_dtype(device: str, dtype: torch.dtype | None) -> torch.dtype:
    """Return the precision that was asked for: float32 on a CPU and bfloat16 elsewhere when ``None``."""
    return dtype or (torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16)


def assembled(
    folder: Folder,
    *,
    encoder: Encoder,
    network: Transformer,
    coder: Any,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    schedule: Schedule,
    usual: Usual,
    side: int,
    largest: int = 4096,
    patch: int = 1,
    target: Target = "flow",
) -> Generator:
    """Return the generator of a folder whose parts have been read.

    Args:
        folder: Where they come from.
        encoder: Turns prompts into conditioning.
        network: The transformer.
        coder: The autoencoder; see :mod:`limn.models.checkpoints.shared.codecs`.
        mean: Of its latents, as in :class:`limn.codecs.latents.Latents`.
        std: Of its latents, likewise.
        schedule: The noise levels.
        usual: The family's own values.
        side: Usual height and width in pixels.
        largest: Largest side in pixels.
        patch: Cells of the state along one side of what a picture's sides must be multiples of.
        target: What the network answers.
    """
    size, width = (min(side, largest),) * 2, folder.dtype.itemsize
    memory.check(str(folder.path), (), width, size)
    codec = Latents(coder, mean=mean, std=std, patch=patch)
    sampler = usual.sampler if isinstance(usual.sampler, Sampler) else registry.parse("samplers", usual.sampler)
    assert isinstance(sampler, Sampler)
    stage = Stage(
        encoder=Resting(encoder, folder.again, partial(memory.tight, folder.device, size, width)),
        predictor=Diffusion(network=network, target=target),
        codec=codec,
        schedule=schedule,
        sampler=sampler,
        steps=usual.steps,
        device=folder.device,
    )
    return Generator(
        str(folder.path),
        [stage],
        weights=folder.weights,
        file=folder.hashes["transformer"][0],
        size=size,
        sizes=(codec.multiple, largest),
        guidance=usual.guidances,
        batch=BATCH,
        distilled=not usual.guidance and usual.scale == 1,
    )
