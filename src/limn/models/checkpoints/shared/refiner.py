"""SDXL's refiner after its base: two experts for noise levels in one walk (Podell et al. 2023, section 2.5).

The words of both stand side by side in one conditioning, so that guidances and edits hold for either network. The
levels from ``denoising_end`` of the way on are the refiner's (eDiff-I; Balaji et al. 2022, section 4.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import read_json
from limn.io.files import sha256_of
from limn.kernel.errors import WeightsError
from limn.kernel.predictor import Ask, Conditioning
from limn.models.checkpoints.shared import configs as configurations
from limn.models.checkpoints.shared import schedule
from limn.models.checkpoints.shared import vae as autoencoders
from limn.models.checkpoints.shared.clip import Together
from limn.models.checkpoints.shared.configs import Configs
from limn.models.checkpoints.shared.networks import Networks, files_of, from_folder
from limn.models.checkpoints.shared.unet import POOLED, REFINER, UNet
from limn.predictors.diffusion import Diffusion
from limn.predictors.experts import ByLevel, Instead

_PARTS: Final = ("unet", "text_encoder_2")
_CONFIGS: Final = ("unet", "vae", "text_encoder_2", "scheduler")
_NOISE: Final = ("betas", "beta_start", "beta_end", "timesteps", "zero_snr")


@dataclass(frozen=True, kw_only=True, eq=False)
class Refiner:
    """A refiner.

    Args:
        configs: Of its parts.
        networks: Filled; its autoencoder is not read.
        predictor: Answers.
        below: Timestep below which it does.
    """

    configs: Configs
    networks: Networks
    predictor: Diffusion
    below: int

    def after(self, base: Diffusion) -> ByLevel:
        """Return the predictor in which it takes over from the base."""
        return ByLevel(parent=base, experts=[Instead(self.predictor), Instead(base)], bounds=[self.below])


def read(folder: Path, base: Configs, beside: Networks, device: str, dtype: torch.dtype, share: float) -> Refiner:
    """Read a refiner; a text encoder that the base has too is shared with it.

    Args:
        folder: In diffusers' format.
        base: Configurations of the base.
        beside: Networks of the base.
        device: Where it runs.
        dtype: Precision of its weights.
        share: Share of the timesteps that are the base's, ``denoising_end`` of diffusers.

    Raises:
        WeightsError: It is no refiner, or was trained on other noise levels; or as for the base.
    """
    index = read_json(folder / "model_index.json")
    if index.get("text_encoder") not in (None, [None, None]):
        raise WeightsError(f"{folder}: is no refiner, which has the second text encoder alone; give SDXL's refiner")
    own = configurations.read_configs(folder, _CONFIGS)
    if own.paints or base.paints:
        raise WeightsError(f"{folder}: a refiner and its base are for whole pictures; take those that read no mask")
    ours, theirs = schedule.schedule_of(own["scheduler"]), schedule.schedule_of(base["scheduler"])
    if other := [name for name in _NOISE if getattr(ours, name) != getattr(theirs, name)]:
        raise WeightsError(f"{folder}: was trained on other noise levels than the base ({other[0]}); take its own")
    filled = _networks(folder, own, beside, device, dtype)
    network = UNet(filled["unet"], autoencoders.factor_of(base["vae"]), refines=True)
    predictor = Diffusion(network=network, target=schedule.target_of(own["scheduler"]))
    below = round(theirs.timesteps * (1 - share))
    return Refiner(configs=own, networks=filled, predictor=predictor, below=below)


def _networks(folder: Path, configs: Configs, beside: Networks, device: str, dtype: torch.dtype) -> Networks:
    hashes = [sha256_of(file) for file in files_of(folder / "text_encoder_2", "text_encoder_2")]
    if not set(hashes) <= set(beside.hashes):
        return from_folder(folder, configs, device, dtype, _PARTS)
    own = from_folder(folder, configs, device, dtype, ("unet",))
    return Networks({**own.parts, "text_encoder_2": beside["text_encoder_2"]}, [*own.hashes, *hashes], beside.again)


class Both:
    """Two encoders that read the same words for two networks.

    Args:
        base: For the first.
        refiner: For the second.
    """

    def __init__(self, base: Together, refiner: Together) -> None:
        self.base, self.refiner = base, refiner

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks that read for the first."""
        return self.base.models

    @property
    def widths(self) -> tuple[int, ...]:
        """Length of a word's vector in each of these."""
        return self.base.widths

    @property
    def width(self) -> int:
        """Length of a word's vectors side by side."""
        return self.base.width

    def knowing(self, words: Mapping[str, Tensor]) -> Both:
        """Return an encoder that reads each of these words as its vectors (n, width), and all else as this one."""
        last = {word: vectors[:, -self.refiner.width :] for word, vectors in words.items()}
        return Both(self.base.knowing(words), self.refiner.knowing(last))

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return the states of both side by side (asks, tokens, both widths)."""
        rows, other = self.base.encode(asks), self.refiner.encode(asks)
        further = {REFINER if name == POOLED else name: value for name, value in other.extras.items()}
        return replace(rows, tokens=torch.cat([rows.tokens, other.tokens], 2), extras={**further, **rows.extras})

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token; (0, 0) for the ends and the padding."""
        return self.base.spans(text)

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return self.base.unread(text)
