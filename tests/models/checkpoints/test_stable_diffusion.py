"""The whole model against diffusers' StableDiffusionPipeline."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from limn.guidance.classifier_free import ClassifierFree
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Progress
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.models import checkpoints

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SCHEDULERS = {
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpm": "DPMSolverMultistepScheduler",
}
TEXTS = ["a red heart", "the photo of a blue cat", "Dog & zebra"]
STEPS, SEED = 4, 5


def seeds(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(SEED + k) for k in range(count)]


def theirs(pipe: Any, sampler: str, texts: list[str], negative: str, **options: Any) -> Any:
    import diffusers

    pipe.scheduler = getattr(diffusers, SCHEDULERS[sampler]).from_config(pipe.scheduler.config)
    against = [negative] * len(texts) if negative else None
    options = {"output_type": "latent", **options}
    return pipe(texts, negative_prompt=against, num_inference_steps=STEPS, guidance_scale=7.5, **options).images


def diffusers_ddim(config: dict[str, Any]) -> Any:
    import diffusers

    return diffusers.DDIMScheduler.from_config(config)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_latents_equal_the_pipelines_in_double_precision(
    loaded: Callable[..., Generator], pipeline: Callable[..., Any], sampler: str, prediction: str
) -> None:
    generator, pipe = loaded(prediction, torch.float64), pipeline(prediction, torch.float64)
    for texts in (TEXTS[:1], TEXTS):
        for negative in ("", "a blurry dog"):
            noise = torch.cat([torch.randn(1, 4, 8, 8, generator=each) for each in seeds(len(texts))]).double()
            want = theirs(pipe, sampler, texts, negative, latents=noise)
            *_, last = generator.stages[0].walk(
                [Prompt(text) for text in texts],
                [ClassifierFree(scale=7.5, against=negative)],
                Streams([SEED + k for k in range(len(texts))]),
                size=generator.size,
                sampler=registry.build("samplers", {"name": sampler}),  # type: ignore[arg-type]
                steps=STEPS,
                noise=noise,
            )
            torch.testing.assert_close(last.x, want, rtol=0, atol=1e-5)
    with torch.no_grad():
        images = pipe.vae.decode(want / pipe.vae.config.scaling_factor).sample
        torch.testing.assert_close(generator.stages[0].codec.decode(last.x), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("sampler", SCHEDULERS)
def test_seeds_latents_and_pictures_equal_the_pipelines(
    loaded: Callable[..., Generator], pipeline: Callable[..., Any], sampler: str, prediction: str
) -> None:
    generator, pipe = loaded(prediction), pipeline(prediction, torch.float32)
    want = theirs(pipe, sampler, TEXTS[:1] * 3, "", generator=seeds(3))
    request = generator.request(TEXTS[0], n=3, seed=SEED, steps=STEPS, sampler=sampler)
    events = list(generator.draw(request))
    latents = [event.state.x for event in events if isinstance(event, Progress)][-1]
    # Single precision: the latents that random weights make are as large as 50, and Heun's steps cancel most.
    torch.testing.assert_close(latents, want, rtol=0, atol=3e-5 * float(want.abs().max().clamp(min=1)))
    with torch.no_grad():
        decoded = pipe.vae.decode(want / pipe.vae.config.scaling_factor).sample
    levels = (decoded.clamp(-1, 1) + 1).permute(0, 2, 3, 1).numpy() * 127.5
    pixels = np.stack([event.pixels for event in events if not isinstance(event, Progress)])
    assert np.abs(pixels - levels).max() < 0.51


def test_zero_terminal_snr_equals_the_pipeline(
    checkpoint: Callable[..., Path], pipeline: Callable[..., Any], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint("v_prediction"), tmp_path / "model"))
    config = folder / "scheduler" / "scheduler_config.json"
    changes = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    pipe = pipeline("v_prediction", torch.float32)
    pipe.scheduler = diffusers_ddim(json.loads(config.read_text()))
    want = pipe(TEXTS[:1], num_inference_steps=STEPS, generator=seeds(1), output_type="latent").images
    generator = checkpoints.load(folder)
    events = generator.draw(generator.request(TEXTS[0], seed=SEED, steps=STEPS))
    latents = [event.state.x for event in events if isinstance(event, Progress)][-1]
    torch.testing.assert_close(latents, want, rtol=0, atol=1e-5)


def test_defaults(loaded: Callable[..., Generator]) -> None:
    generator = loaded()
    assert generator.size == (64, 64)
    assert generator.sizes == (64, 2048)
    assert registry.record(generator.stages[0].sampler)["name"] == "ddim"
    assert [registry.record(each)["name"] for each in generator.guidance] == ["classifier_free"]
    assert generator.guidance[0].scale == 7.5  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="multiple of 8 from 64 to 2048"):
        generator.request("a cat", size=(60, 64))


def test_other_sizes_and_one_forward_a_step(loaded: Callable[..., Generator]) -> None:
    generator, ledger = loaded(), Ledger()
    request = generator.request("a cat", size=(72, 96), steps=2)
    picture = list(generator.draw(request, ledger=ledger))[-1]
    assert picture.pixels.shape == (72, 96, 3)  # type: ignore[union-attr]
    assert [forward.rows for forward in ledger.forwards] == [2, 2]


def test_the_weights_hash_names_the_contents(
    checkpoint: Callable[..., Path], loaded: Callable[..., Generator]
) -> None:
    same, other = checkpoints.load(checkpoint()), loaded("v_prediction")
    assert len(same.weights) == 64
    assert same.weights == loaded().weights != other.weights


def test_half_precision(checkpoint: Callable[..., Path], loaded: Callable[..., Generator]) -> None:
    half = checkpoints.load(checkpoint("v_prediction"), dtype=torch.bfloat16)
    found = half.generate("a cat", steps=2)[0].pixels.astype(float)
    want = loaded("v_prediction").generate("a cat", steps=2)[0].pixels.astype(float)
    assert np.abs(found - want).mean() < 8


def test_importing_is_light() -> None:
    code = "import limn.models.checkpoints, sys; print({'diffusers', 'transformers'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_missing_library_is_named(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'limn\[sd\]'"):
        checkpoints.load(copy)
