"""Editing with Stable Diffusion equals diffusers' pipelines, image to image and inpainting."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from limn.edit.inpaint import Inpaint
from limn.edit.pictures import state_of
from limn.edit.repainting import Repainting
from limn.edit.sdedit import SDEdit
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator
from limn.kernel.known import KNOWN, touched
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.models import checkpoints
from limn.samplers.inversion import inverted

diffusers = pytest.importorskip("diffusers")
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

SCHEDULERS = {
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
}
NOISY = {"euler_ancestral": "EulerAncestralDiscreteScheduler"}
TEXTS, SEEDS, STEPS = ["a red heart", "the photo of a blue cat"], (5, 6), 5


@pytest.fixture(scope="session")
def inpainting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny checkpoint with nine input channels."""
    from tiny_stable_diffusion import build

    return build(tmp_path_factory.mktemp("nine"), inpainting=True)


@pytest.fixture(autouse=True)
def single_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets diffusers draw its noise in single precision, whatever that of the state."""
    from diffusers.utils.torch_utils import randn_tensor

    def drawn(shape: Any, generator: Any, device: Any, dtype: torch.dtype) -> Tensor:
        return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32).to(dtype)

    for module in ("img2img", "inpaint"):
        monkeypatch.setattr(
            f"diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_{module}.randn_tensor", drawn
        )
    monkeypatch.setattr("diffusers.schedulers.scheduling_euler_ancestral_discrete.randn_tensor", drawn)


def picture() -> Any:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def mask() -> Any:
    """White in whole cells of 8 pixels; diffusers looks at one pixel of each."""
    inside = np.zeros((64, 64), np.uint8)
    inside[16:48, 24:64] = 255
    return inside


def ours(generator: Generator, edit: Repainting, sampler: str, noise: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The latents of a batch, in double precision, and what the network was told."""
    stage, size = generator.stages[0], generator.size
    given = {name: state.expand(2, *state.shape[1:]) for name, state in edit.given(stage, size).items()}
    streams = Streams(SEEDS)
    streams.normal(noise.shape[1:])
    *_, last = stage.walk(
        [Prompt(text) for text in TEXTS],
        [ClassifierFree(scale=7.5)],
        streams,
        size=size,
        sampler=registry.build("samplers", {"name": sampler}),
        steps=STEPS,
        noise=noise,
        given=given,
        edit=partial(edit.walk, stage=stage, size=size),
    )
    return last.x, given


@cache
def pipe_of(kind: str, folder: Path) -> Any:
    pipe = getattr(diffusers, kind).from_pretrained(
        folder, local_files_only=True, torch_dtype=torch.float64, safety_checker=None, requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@cache
def nine(folder: Path) -> Generator:
    return checkpoints.load(folder, dtype=torch.float64)


def theirs(kind: str, folder: Path, scheduler: str, **options: Any) -> Tensor:
    pipe = pipe_of(kind, folder)
    pipe.scheduler = getattr(diffusers, scheduler).from_config(pipe.scheduler.config)
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    done: Tensor = pipe(
        TEXTS, num_inference_steps=STEPS, guidance_scale=7.5, generator=generators, output_type="latent", **options
    ).images
    return done


def noise() -> Tensor:
    return Streams(SEEDS).normal((4, 8, 8)).double()


def close(one: Tensor, other: Tensor) -> None:
    assert one.dtype == other.dtype == torch.float64
    assert (one - other).abs().max() <= 1e-5 * max(1.0, float(other.abs().max()))


@pytest.mark.parametrize("strength", [0.4, 1.0])
@pytest.mark.parametrize("sampler", [*SCHEDULERS, *NOISY])
def test_image_to_image(
    loaded: Callable[..., Generator], checkpoint: Callable[..., Path], sampler: str, strength: float
) -> None:
    generator = loaded("epsilon", torch.float64)
    got, _ = ours(generator, SDEdit.of(picture(), strength=strength), sampler, noise())
    clean = state_of(generator.stages[0], picture(), generator.size).double().expand(2, -1, -1, -1)
    scheduler = {**SCHEDULERS, **NOISY}[sampler]
    kind = "StableDiffusionImg2ImgPipeline"
    close(got, theirs(kind, checkpoint("epsilon"), scheduler, image=clean, strength=strength))


@pytest.mark.parametrize("strength", [0.4, 0.75])
@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_inpainting_with_four_channels(
    loaded: Callable[..., Generator], checkpoint: Callable[..., Path], sampler: str, strength: float
) -> None:
    generator = loaded("epsilon", torch.float64)
    got, given = ours(generator, Inpaint.of(picture(), mask(), strength=strength), sampler, noise())
    assert not given
    clean = state_of(generator.stages[0], picture(), generator.size).double()
    want = theirs(
        "StableDiffusionInpaintPipeline", checkpoint("epsilon"), SCHEDULERS[sampler], image=clean,
        mask_image=torch.from_numpy(mask() / 255)[None, None], strength=strength, masked_image_latents=clean,
    )  # fmt: skip
    close(got, want)
    keep = ~touched(torch.from_numpy(mask() > 127)[None], 8).expand(2, 4, 8, 8)
    assert torch.equal(got[keep], clean.expand_as(got)[keep])


@pytest.mark.parametrize("strength", [0.4, 1.0])
@pytest.mark.parametrize("sampler", [*SCHEDULERS, *NOISY])
def test_inpainting_with_nine_channels(inpainting: Path, sampler: str, strength: float) -> None:
    generator = nine(inpainting)
    got, given = ours(generator, Inpaint.of(picture(), mask(), strength=strength), sampler, noise())
    clean = state_of(generator.stages[0], picture(), generator.size).double()
    want = theirs(
        "StableDiffusionInpaintPipeline", inpainting, {**SCHEDULERS, **NOISY}[sampler], image=clean,
        mask_image=torch.from_numpy(mask() / 255)[None, None], strength=strength,
        masked_image_latents=given[KNOWN][:1, 1:].double(),
    )  # fmt: skip
    close(got, want)


def test_a_whole_picture_through_the_door(inpainting: Path) -> None:
    generator = checkpoints.load(inpainting)
    (drawn,) = generator.generate("a red heart", edit=Inpaint.of(picture(), mask()), steps=2)
    outside = mask() == 0
    assert np.array_equal(drawn.pixels[outside], picture()[outside])
    assert not np.array_equal(drawn.pixels[~outside], picture()[~outside])
    (free,) = generator.generate("a red heart", steps=2)
    assert free.pixels.shape == (64, 64, 3), "with nothing known it draws"


def test_other_numbers_of_channels_are_refused(copy: Path) -> None:
    path = copy / "unet" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"in_channels": 7}))
    with pytest.raises(WeightsError, match="7 in_channels where the VAE has 4"):
        checkpoints.load(copy)


def test_a_single_file_says_by_its_shapes_that_it_paints(tmp_path: Path) -> None:
    from limn.models.checkpoints.single_file import _known

    name, file = "model.diffusion_model.input_blocks.0.0.weight", tmp_path / "model.safetensors"
    for channels, wanted in ((9, 9), (4, None)):
        save_file({name: torch.zeros(320, channels, 3, 3)}, file)
        parts = _known(file, {name: (320, channels, 3, 3)}, 768, {})
        assert parts["unet"].get("in_channels") == wanted


def test_inversion_equals_theirs(loaded: Callable[..., Generator], checkpoint: Callable[..., Path]) -> None:
    generator = loaded("epsilon", torch.float64)
    stage = generator.stages[0]
    clean = state_of(stage, picture(), generator.size).double()
    config = json.loads((checkpoint("epsilon") / "scheduler" / "scheduler_config.json").read_text())
    scheduler = diffusers.DDIMInverseScheduler.from_config(config)
    scheduler.set_timesteps(STEPS)
    rows = stage.encoder.encode([Ask(Prompt("a red heart"))])
    x, unet = clean, stage.predictor.network.model  # type: ignore[attr-defined]
    with torch.no_grad():
        for time in scheduler.timesteps:
            answer = unet(x, time, encoder_hidden_states=rows.tokens).sample
            x = scheduler.step(answer, time, x).prev_sample
        levels = stage.schedule.levels(STEPS, registry.parse("samplers", "ddim"))  # type: ignore[arg-type]
        *_, last = inverted(lambda step: stage.predictor(step.x, step.level, rows, []), clean, levels)
    close(last.x, x)


def test_an_edit_can_start_from_the_pictures_own_noise(loaded: Callable[..., Generator]) -> None:
    """Then nothing is left to chance."""
    generator = loaded("v_prediction")
    for invert in (True, False):
        edit = SDEdit.of(picture(), strength=0.6, invert=invert, source=TEXTS[0] * invert)
        one, two = generator.generate(TEXTS[1], n=2, edit=edit, steps=5)
        assert np.array_equal(one.pixels, two.pixels) == invert
