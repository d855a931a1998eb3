"""SDXL in one file of the original layout, against diffusers' ``from_single_file`` and the folder."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from original_keys import write_xl_file
from torch import Tensor

from limn import models
from limn.kernel.errors import WeightsError
from limn.models import checkpoints
from limn.models.checkpoints.shared.configs import Configs, check_together
from limn.models.checkpoints.shared.networks import blank
from limn.models.checkpoints.shared.published import REFINER, XL
from limn.models.checkpoints.single_file import read_configs

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXTS = ["a red heart", "the red cat of a blue heart", "a"]
WEIGHTS = shutil.ignore_patterns("*.safetensors")
PUBLISHED = {"base": (2_567_463_684, 123_060_480, 694_659_840), "refiner": (2_259_526_660, 694_659_840)}
"""Weights of the U-Nets and text encoders, as published."""


def alone(folder: Path, place: Path, **extra: Tensor) -> Path:
    """The folder as one file, beside its configurations and tokenizers."""
    shutil.copytree(folder, place / "model", ignore=WEIGHTS)
    return write_xl_file(folder, place / "model.safetensors", **extra)


def close(one: Tensor, two: Tensor) -> None:
    torch.testing.assert_close(one, two, rtol=0, atol=1e-4 * float(two.abs().max()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.sdxl(tmp_path_factory.mktemp("xl"))


def test_it_draws_what_diffusers_draws_of_the_file(folder: Path, tmp_path: Path) -> None:
    file = alone(folder, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe: Any = diffusers.StableDiffusionXLPipeline.from_single_file(
            file, config=str(folder), local_files_only=True
        )
    pipe.set_progress_bar_config(disable=True)
    wanted = pipe(
        TEXTS, negative_prompt=["a blue cat"] * 3, latents=tiny.noise(3), height=64, width=64, guidance_scale=5.0,
        num_inference_steps=3, output_type="latent",
    ).images  # fmt: skip
    generator = models.load(file)
    assert generator.stages[0].steps == 30
    close(tiny.drawn(generator, TEXTS, steps=3, negative="a blue cat"), wanted)
    generator.drop_encoders()
    close(tiny.drawn(generator, TEXTS, steps=3, negative="a blue cat"), wanted)


def test_a_refiners_file_draws_what_its_folder_draws(tmp_path: Path) -> None:
    folder = tiny.sdxl(tmp_path / "refiner", refiner=True)
    file = alone(folder, tmp_path)
    found, wanted = (tiny.drawn(models.load(path), TEXTS, steps=2, scale=3) for path in (file, folder))
    assert torch.equal(found, wanted)


def test_one_tokenizer_does_for_both(folder: Path, tmp_path: Path) -> None:
    file = alone(folder, tmp_path)
    wanted = tiny.drawn(models.load(file), TEXTS, steps=2)
    shutil.rmtree(tmp_path / "model" / "tokenizer_2")
    assert torch.equal(tiny.drawn(models.load(file), TEXTS, steps=2), wanted)
    shutil.rmtree(tmp_path / "model" / "tokenizer")
    with pytest.raises(WeightsError, match="has no tokenizer"):
        models.load(file)


@pytest.mark.parametrize(("kind", "known"), [("base", XL), ("refiner", REFINER)])
@pytest.mark.slow
def test_what_is_published_builds_the_published_networks(kind: str, known: Any, tmp_path: Path) -> None:
    check_together(tmp_path, Configs(known))
    parts = ["unet", *(part for part in ("text_encoder", "text_encoder_2") if part in known)]
    counts = [sum(weight.numel() for weight in blank(part, known[part], tmp_path).parameters()) for part in parts]
    assert tuple(counts) == PUBLISHED[kind]


@pytest.mark.parametrize(
    ("name", "extra", "wanted"),
    [
        ("xl", (), ("EulerDiscreteScheduler", "epsilon", "leading")),
        ("xl", ("v_pred", "ztsnr"), ("EulerDiscreteScheduler", "v_prediction", "leading")),
        ("sd_xl_turbo_1.0", (), ("EulerAncestralDiscreteScheduler", "epsilon", "trailing")),
        ("sdxl_lightning_4step", (), ("EulerDiscreteScheduler", "epsilon", "trailing")),
    ],
)
def test_what_a_file_without_configurations_is_drawn_with(
    name: str, extra: tuple[str, ...], wanted: Any, tmp_path: Path
) -> None:
    """Of the published widths, of which the header alone is looked at here."""
    from limn.networks.weights import write_tensors

    marks = {own: torch.zeros(1) for own in extra}
    key = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight"
    tensors = {
        key: torch.zeros(1, 2048),
        "first_stage_model.x": torch.zeros(1),
        "conditioner.embedders.0.transformer.x": torch.zeros(1),
        "conditioner.embedders.1.model.x": torch.zeros(1),
    } | marks
    file = tmp_path / f"{name}.safetensors"
    write_tensors(file, tensors)
    tiny.tokenizer().save_pretrained(tmp_path / "tokenizer")
    read, _ = read_configs(file, None)
    scheduler = read["scheduler"]
    assert (scheduler["_class_name"], scheduler["prediction_type"], scheduler["timestep_spacing"]) == wanted
    assert bool(scheduler.get("rescale_betas_zero_snr")) == ("ztsnr" in extra)
    assert read.texts == ("text_encoder", "text_encoder_2")


def test_noise_levels_of_edm_are_refused(folder: Path, tmp_path: Path) -> None:
    file = alone(folder, tmp_path, **{"edm_vpred.sigma_max": torch.ones(())})
    with pytest.raises(WeightsError, match=r"edm_vpred\.sigma_max: noise levels of EDM"):
        checkpoints.load(file)
