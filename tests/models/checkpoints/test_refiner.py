"""SDXL's base and refiner in one walk, against diffusers' two pipelines one after the other, on random weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch import Tensor

from limn import models
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.request import Request
from limn.models import checkpoints

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXTS = ["a red heart", "the red cat of a blue heart", "a"]
STEPS = 5


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("pair")
    return tiny.sdxl(root / "base"), tiny.sdxl(root / "refiner", refiner=True, seed=1)


@cache
def pipelines(folders: tuple[Path, Path], dtype: Any) -> tuple[Any, Any]:
    kinds = ("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline")
    base, refiner = (tiny.pipeline(folder, kind, dtype) for folder, kind in zip(folders, kinds, strict=True))
    return base, refiner


@cache
def loaded(folders: tuple[Path, Path], dtype: Any, share: float) -> Any:
    return checkpoints.load(folders[0], dtype=dtype, refiner=str(folders[1]), denoising_end=share)


def theirs(folders: tuple[Path, Path], texts: list[str], dtype: Any, share: float, **options: Any) -> Tensor:
    """The base up to ``denoising_end``, the refiner from ``denoising_start`` on."""
    base, refiner = pipelines(folders, dtype)
    against = options.pop("negative_prompt", None)
    given: dict[str, Any] = {"num_inference_steps": STEPS, "output_type": "latent", "guidance_scale": 5.0, **options}
    given |= {"negative_prompt": [against] * len(texts)} if against else {}
    noise = tiny.noise(len(texts)).to(dtype)
    begun = base(texts, latents=noise, height=64, width=64, denoising_end=share, **given).images
    result: Tensor = refiner(texts, image=begun, denoising_start=share, **given).images
    return result


def ours(folders: tuple[Path, Path], texts: list[str], dtype: Any, share: float, **options: Any) -> Tensor:
    return tiny.drawn(loaded(folders, dtype, share), texts, steps=STEPS, **options)


def close(one: Tensor, two: Tensor) -> None:
    share = 1e-5 if two.dtype == torch.float64 else 1e-4
    torch.testing.assert_close(one.double(), two.double(), rtol=0, atol=share * float(two.abs().max()))


@pytest.mark.parametrize("dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.float64])
@pytest.mark.parametrize("negative", ["", "a blue cat of the heart"])
@pytest.mark.parametrize("share", [0.8, 0.5])
def test_the_refiner_takes_over_as_in_diffusers(folders: Any, share: float, negative: str, dtype: Any) -> None:
    wanted = theirs(folders, TEXTS, dtype, share, negative_prompt=negative)
    close(ours(folders, TEXTS, dtype, share, negative=negative), wanted)
    alone = tiny.drawn(checkpoints.load(folders[0], dtype=dtype), TEXTS, steps=STEPS, negative=negative)
    assert (wanted - alone).abs().max() > 1e-3 * wanted.abs().max(), "the refiner plays a part"


def test_without_guidance_and_for_one(folders: Any) -> None:
    wanted = theirs(folders, TEXTS[:1], torch.float64, 0.6, guidance_scale=1.0)
    close(ours(folders, TEXTS[:1], torch.float64, 0.6, scale=1), wanted)


@pytest.mark.parametrize(
    "guide", ["nag:against='a blue cat'", "structured:parser=rules", "pag:scale=2", "token_weights"]
)
def test_edits_act_on_both_networks(folders: Any, guide: str) -> None:
    """A split so early or so late that one of them answers all steps but one."""
    text = "a (red:1.5) heart of a blue cat"
    for share in (0.1, 0.9):
        plain = ours(folders, [text], torch.float64, share, guide=["classifier_free:scale=3"])
        guided = ours(folders, [text], torch.float64, share, guide=["classifier_free:scale=3", guide])
        assert torch.isfinite(guided).all()
        assert not torch.equal(plain, guided)


@pytest.mark.slow
def test_a_text_encoder_that_both_have_is_held_once(tmp_path: Path) -> None:
    base, refiner = tiny.sdxl(tmp_path / "base"), tiny.sdxl(tmp_path / "refiner", refiner=True, seed=1)
    file = Path("text_encoder_2", "model.safetensors")
    apart = checkpoints.load(base, refiner=str(refiner)).stages[0].encoder
    assert apart.refiner.models[0] is not apart.base.models[1]
    (refiner / file).write_bytes((base / file).read_bytes())
    shared = checkpoints.load(base, refiner=str(refiner)).stages[0].encoder
    assert shared.refiner.models[0] is shared.base.models[1]
    close(ours((base, refiner), TEXTS, torch.float64, 0.8), theirs((base, refiner), TEXTS, torch.float64, 0.8))


def test_it_is_an_option_of_the_model(folders: Any, tmp_path: Path) -> None:
    base, refiner = folders
    request = Request(prompts="a", model=str(base), refiner=str(refiner), denoising_end=0.6)
    assert request.model == f"{base}:refiner={refiner},denoising_end=0.6"
    generator = models.load(request.model)
    assert generator.weights not in {models.load(base).weights, models.load(f"{base}:refiner={refiner}").weights}
    assert generator.generate("a red heart", steps=2)[0].flaw == ""
    with pytest.raises(InputError, match=r"denoising_end: '1\.5' is no share between 0 and 1"):
        models.load(f"{base}:refiner={refiner},denoising_end=1.5")
    with pytest.raises(InputError, match="name one by refiner"):
        models.load(f"{base}:denoising_end=0.5")
    with pytest.raises(InputError, match="unknown model 'none'"):
        models.load(f"{base}:refiner=none")


def test_what_is_no_refiner_of_this_base_is_refused(folders: Any, tmp_path: Path) -> None:
    base, _ = folders
    with pytest.raises(WeightsError, match="is no refiner"):
        checkpoints.load(base, refiner=str(base))
    cosine = diffusers.EulerDiscreteScheduler(beta_schedule="squaredcos_cap_v2")
    other = tiny.sdxl(tmp_path, refiner=True, scheduler=cosine)
    with pytest.raises(WeightsError, match="was trained on other noise levels than the base"):
        checkpoints.load(base, refiner=str(other))
