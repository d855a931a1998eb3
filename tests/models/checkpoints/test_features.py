"""The table of what works says of families on U-Nets what is so; transformers are tried beside their own tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny

import features
from limn import models

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.slow
@pytest.mark.parametrize("family", ["stable_diffusion", "sdxl", "sdxl_refined"])
def test_the_table_says_what_works(family: str, tmp_path: Path) -> None:
    scheduler = diffusers.EulerDiscreteScheduler(**tiny.BETAS, timestep_spacing="leading", steps_offset=1)
    if family == "stable_diffusion":
        name = str(tiny.stable_diffusion(tmp_path / "m", scheduler=scheduler))
    else:
        name = str(tiny.sdxl(tmp_path / "m"))
    if family == "sdxl_refined":
        name += f":refiner={tiny.sdxl(tmp_path / 'refiner', refiner=True, seed=1)},denoising_end=0.5"
    features.check(models.load(name), tmp_path, family)
