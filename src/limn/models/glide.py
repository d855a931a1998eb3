"""A cascade: a native model draws small, and a diffusion draws that large (Nichol et al. 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from limn.codecs.pixels import Pixels
from limn.codecs.reduced import Reduced
from limn.encoders.small import SMALL, SmallPicture
from limn.io.configurations import check_range, read_config
from limn.io.files import sha256_of
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.predictor import Conditioning
from limn.kernel.stage import Stage
from limn.models import native
from limn.models.parts import ModelConfig, assembled, check_fit, home_of, sampler_of
from limn.networks.diffusion_upsampler import DiffusionUpsampler
from limn.networks.shipped import WEIGHTS
from limn.predictors.diffusion import Diffusion
from limn.samplers.levels import Flow


@dataclass(frozen=True, kw_only=True)
class GlideConfig(ModelConfig):
    """The file ``config.json`` of a cascade; nothing else may stand in it.

    Args:
        base: The native model that draws small: a shipped one's name, or a folder beside this one.
        upsampler: Folder of the diffusion that draws large, likewise.
        large_steps: Its steps.
        large_sampler: Its sampler, as text.
        blur: Noise that is put on small pictures, as standard deviation.
    """

    families = ("glide",)

    family: str = "glide"
    sampler: str = "euler"
    base: str = "emoji"
    upsampler: str = "cascade"
    large_steps: int = 6
    large_sampler: str = "euler"
    blur: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, large_steps=(1, 1000))
        if not 0 <= self.blur <= 1:
            raise InputError(f"blur must be from 0 to 1, not {self.blur}")


class Network:
    """The upsampling diffusion in the form a predictor asks for."""

    def __init__(self, upsampler: DiffusionUpsampler, blur: float) -> None:
        self.upsampler, self.blur = upsampler, blur

    @property
    def module(self) -> DiffusionUpsampler:
        """The network inside."""
        return self.upsampler

    def __call__(
        self,
        x: Tensor,
        time: Tensor,
        conditioning: Conditioning,
        edits: Sequence[AttentionEdit | None] = (),
        sigma: Tensor | None = None,
    ) -> Tensor:
        """Answer rows (rows, 3, height, width); it has no attention that could be edited."""
        answer: Tensor = self.upsampler(x, time, conditioning.extras[SMALL], x.new_full((len(x),), self.blur))
        return answer


def load(folder: Path, *, name: str, device: str = "cpu") -> Generator:
    """Load a cascade.

    Args:
        folder: Holds ``config.json``.
        name: What the generator calls itself.
        device: Where it runs.

    Raises:
        WeightsError: If a file is missing, damaged, unsafe or does not fit the others.
    """
    config = read_config(GlideConfig, folder / "config.json")
    base = native.load(home_of(folder, config.base), name=config.base, device=device)
    path = home_of(folder, config.upsampler)
    upsampler = DiffusionUpsampler.load(path, device=device)
    check_fit(folder, "base and upsampler", {"size": (base.size[0] * upsampler.factor, config.size)})
    codec = Reduced(codec=base.main.codec, factor=upsampler.factor)
    small = replace(
        base.main, codec=codec, gives=SMALL, steps=config.steps, sampler=sampler_of(folder, config.sampler)
    )
    large = Stage(
        encoder=SmallPicture(codec.small, blur=config.blur, device=device),
        predictor=Diffusion(network=Network(upsampler, config.blur), target="x0"),
        codec=Pixels(multiple=codec.multiple),
        schedule=Flow(),
        sampler=sampler_of(folder, config.large_sampler),
        steps=config.large_steps,
        refines=True,
        device=device,
    )
    return assembled(name, [small, large], config, [base.weights, sha256_of(path / WEIGHTS)])
