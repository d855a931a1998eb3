"""Stable Diffusion XL against diffusers' own pipelines, on random weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch import Tensor

from limn import models
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import ModelWarning, WeightsError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.models import checkpoints

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXTS = ["a red heart", "the red cat of a blue heart", "a"]
STEPS = 3
CLOSE = {torch.float64: (1e-5, 1e-5), torch.float32: (1e-4, 1e-4)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.sdxl(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(scope="module")
def both(folder: Path) -> Callable[[Any], tuple[Any, Any]]:
    """Gives our generator and diffusers' pipeline, by precision."""

    @cache
    def get(dtype: Any) -> tuple[Any, Any]:
        return checkpoints.load(folder, dtype=dtype), tiny.pipeline(folder, "StableDiffusionXLPipeline", dtype)

    return get


def theirs(pipe: Any, texts: list[str], negative: str = "", **options: Any) -> Tensor:
    latents = tiny.noise(len(texts)).to(pipe.unet.dtype)
    against = [negative] * len(texts) if negative else None
    given = {"guidance_scale": 5.0, "num_inference_steps": STEPS, "output_type": "latent", **options}
    result: Tensor = pipe(texts, negative_prompt=against, latents=latents, height=64, width=64, **given).images
    return result


def close(found: Tensor, wanted: Tensor, dtype: Any) -> None:
    share, _ = CLOSE[dtype]
    torch.testing.assert_close(found.double(), wanted.double(), rtol=0, atol=share * float(wanted.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("negative", ["", "a blue cat of the heart"])
@pytest.mark.parametrize("count", [1, 3])
def test_latents_equal_the_pipelines(both: Any, dtype: Any, negative: str, count: int) -> None:
    generator, pipe = both(dtype)
    found = tiny.drawn(generator, TEXTS[:count], negative=negative, steps=STEPS)
    close(found, theirs(pipe, TEXTS[:count], negative), dtype)


def test_pictures_equal_the_decoders(both: Any) -> None:
    generator, pipe = both(torch.float64)
    latents = tiny.noise(2).double()
    with torch.no_grad():
        wanted = pipe.vae.decode(latents / 0.13025).sample
        torch.testing.assert_close(generator.stages[0].codec.decode(latents), wanted)


def test_a_guided_composition_equals_a_loop_by_hand(both: Any) -> None:
    """Two prompts added over the empty one, as composable diffusion has it."""
    generator, pipe = both(torch.float64)
    found = tiny.drawn(
        generator, TEXTS[:1], steps=STEPS, scale=4.0, guide=["composed:prompts='a blue cat',weights=0.5"]
    )
    pipe.scheduler.set_timesteps(STEPS)
    x = tiny.noise(1).double() * pipe.scheduler.init_noise_sigma
    rows = [pipe.encode_prompt(text, negative_prompt=None) for text in (TEXTS[0], "a blue cat")]
    tokens = torch.cat([rows[0][0], rows[1][0], rows[0][1]])
    pooled = torch.cat([rows[0][2], rows[1][2], rows[0][3]])
    ids = torch.tensor([[64, 64, 0, 0, 64, 64]] * 3).double()
    for t in pipe.scheduler.timesteps:
        scaled = pipe.scheduler.scale_model_input(x, t)
        with torch.no_grad():
            eps = pipe.unet(
                scaled.expand(3, -1, -1, -1), t, tokens, added_cond_kwargs={"text_embeds": pooled, "time_ids": ids}
            ).sample
        main, other, null = eps.split(1)
        guided = null + 4.0 * ((main - null) + 0.5 * (other - null))
        x = pipe.scheduler.step(guided, t, x).prev_sample
    close(found, x, torch.float64)


@dataclass(frozen=True)
class Same(AttentionEdit):
    """Changes nothing, by the other path."""


@dataclass(frozen=True)
class Half(AttentionEdit):
    """Looks less at everything but the first word."""

    def bias(self, query: Tensor, key: Tensor, site: Any) -> Tensor:
        bias = torch.zeros(1, 1, 1, key.shape[2]).to(query)
        bias[..., 1:] = -1
        return bias


def test_edits_of_one_row_leave_the_others_alone(both: Any) -> None:
    generator, _ = both(torch.float64)
    stage = generator.stages[0]
    rows = stage.encoder.encode([Ask(Prompt(text)) for text in TEXTS])
    level = stage.schedule.levels(4, stage.sampler)[1]
    x = tiny.noise(3).double()

    def answer(*edits: Any) -> Tensor:
        with torch.no_grad():
            result: Tensor = stage.predictor(x, level, rows, list(edits))
        return result

    plain = answer(None, None, None)
    torch.testing.assert_close(answer(None, Same(), None), plain, rtol=0, atol=1e-12)
    edited = answer(None, Half(), None)
    same = answer(None, Same(), None)
    assert torch.equal(edited[[0, 2]], same[[0, 2]])
    assert (edited[1] - plain[1]).abs().max() > 1e-6


def test_words_left_out_are_zeros_or_the_empty_text(both: Any, tmp_path: Path) -> None:
    encoder = both(torch.float64)[0].stages[0].encoder
    dropped, empty = (encoder.encode([ask]) for ask in (Ask(Prompt("a"), frozenset({"text"})), Ask(Prompt(""))))
    assert not dropped.tokens.any()
    assert not dropped.extras["pooled"].any()
    assert empty.tokens.any()
    read = checkpoints.load(tiny.sdxl(tmp_path / "m", seed=0), dtype=torch.float64).stages[0].encoder.reader
    read.zeros = False
    again = read.encode([Ask(Prompt("a"), frozenset({"text"}))])
    torch.testing.assert_close(again.tokens, empty.tokens)


def test_clip_skip_is_the_pipelines(folder: Path, both: Any) -> None:
    _, pipe = both(torch.float64)
    generator = checkpoints.load(folder, dtype=torch.float64, clip_skip=1)
    wanted = theirs(pipe, TEXTS[:1], clip_skip=1, guidance_scale=1.0)
    close(tiny.drawn(generator, TEXTS[:1], steps=STEPS, scale=1), wanted, torch.float64)


def test_the_picture_says_its_size(both: Any) -> None:
    generator, pipe = both(torch.float64)
    latents = tiny.noise(1, (4, 8, 12)).double()
    wanted = pipe(
        TEXTS[0],
        latents=latents,
        height=64,
        width=96,
        num_inference_steps=2,
        guidance_scale=5.0,
        output_type="latent",
    ).images
    close(tiny.drawn(generator, TEXTS[:1], steps=2, size=(64, 96)), wanted, torch.float64)


def test_turbo_is_drawn_in_few_steps_without_guidance(tmp_path: Path) -> None:
    from diffusers import EulerAncestralDiscreteScheduler

    scheduler = EulerAncestralDiscreteScheduler(**tiny.BETAS, timestep_spacing="trailing", steps_offset=1)
    folder = tiny.sdxl(tmp_path, scheduler=scheduler)
    generator = models.load(folder)
    assert generator.stages[0].steps == 4
    request = generator.request(TEXTS[0])
    assert [part.scale for part in request.guidance] == [1.0]
    with pytest.warns(ModelWarning, match=r"was made to draw without guidance; scale 7\.5 spoils its pictures"):
        generator.request(TEXTS[0], scale=7.5)
    pipe = tiny.pipeline(folder, "StableDiffusionXLPipeline", torch.float32)
    found = tiny.drawn(generator, TEXTS[:1], steps=1)
    close(found, theirs(pipe, TEXTS[:1], guidance_scale=0.0, num_inference_steps=1), torch.float32)


def test_the_refiner_is_told_what_is_liked(tmp_path: Path) -> None:
    folder = tiny.sdxl(tmp_path, refiner=True)
    generator = checkpoints.load(folder, dtype=torch.float64)
    pipe = tiny.pipeline(folder, "StableDiffusionXLImg2ImgPipeline", torch.float64)
    tokens, against, pooled, pooled_against = pipe.encode_prompt(TEXTS[0], negative_prompt=None)
    rows = generator.stages[0].encoder.encode([Ask(Prompt(TEXTS[0])), Ask(Prompt(TEXTS[0]), frozenset({"text"}))])
    torch.testing.assert_close(rows.tokens, torch.cat([tokens, against]))
    torch.testing.assert_close(rows.extras["pooled"], torch.cat([pooled, pooled_against]))
    stage, x = generator.stages[0], tiny.noise(2).double()
    level = stage.schedule.levels(4, stage.sampler)[1]
    scores = torch.tensor([[64, 64, 0, 0, 6.0], [64, 64, 0, 0, 2.5]]).double()
    given = {"text_embeds": rows.extras["pooled"], "time_ids": scores}
    with torch.no_grad():
        eps = pipe.unet(x, level.time, rows.tokens, added_cond_kwargs=given).sample
        found = stage.predictor(x, level, rows, [None, None])
    torch.testing.assert_close(found, (x - level.sigma * eps) / level.alpha)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = tiny.sdxl(tmp_path)
    (folder / "text_encoder_2" / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"text_encoder_2.model.*no such file"):
        checkpoints.load(folder)
