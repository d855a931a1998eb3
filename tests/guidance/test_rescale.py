"""Rescaled guidance is diffusers' ``rescale_noise_cfg``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.rescale import Rescale
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.step import Step

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=2, x=torch.zeros(2, 3, 4, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))


def rescaled(main: torch.Tensor, base: torch.Tensor, share: float) -> torch.Tensor:
    return Rescale(share=share).combine({"main": main, "base": base}, STEP)["main"]


@given(share=st.floats(0, 1), seed=st.integers(0, 1000))
def test_equals_the_published_function(share: float, seed: int) -> None:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

    random = torch.Generator().manual_seed(seed)
    main, base = torch.randn(2, 2, 3, 4, 4, generator=random, dtype=torch.float64) * 3 + 1
    wanted = rescale_noise_cfg(main, base, guidance_rescale=share)
    torch.testing.assert_close(rescaled(main, base, share), wanted)


def test_latents_equal_the_pipelines(doubles: Any, pipeline: Callable[[str], Any]) -> None:
    texts, noise = ["a red heart", "a blue cat"], Streams([3, 4]).normal((4, 8, 8)).double()
    options = {"num_inference_steps": 4, "guidance_scale": 9.0, "guidance_rescale": 0.6}
    pipe = pipeline("StableDiffusionPipeline")
    wanted = pipe(texts, latents=noise, output_type="latent", **options).images
    walk = doubles.stages[0].walk(
        [Prompt(text) for text in texts],
        [Rescale(share=0.6), ClassifierFree(scale=9.0)],
        Streams([3, 4]),
        size=doubles.size,
        steps=4,
        noise=noise,
    )
    *_, last = walk
    torch.testing.assert_close(last.x, wanted, rtol=0, atol=1e-6)


def test_nothing_is_asked_and_without_amplifying_nothing_changes() -> None:
    assert Rescale().expand({"main": MAIN}, STEP) == {"main": MAIN}
    main = torch.randn(2, 3, 4, 4)
    assert torch.equal(Rescale().combine({"main": main}, STEP)["main"], main)
    torch.testing.assert_close(rescaled(main, main.clone(), 0.7), main)
    assert rescaled(main, main * 2, 0.0) is main


def test_full_strength_gives_the_deviation_of_the_base_picture_by_picture() -> None:
    main, base = torch.randn(2, 2, 3, 4, 4) * torch.tensor([5.0, 1.0])[:, None, None, None, None]
    out = rescaled(main, base, 1.0)
    torch.testing.assert_close(out.std((1, 2, 3)), base.std((1, 2, 3)))
    assert torch.allclose(out[1:], rescaled(main[1:], base[1:], 1.0))


def test_a_constant_answer_is_no_division_by_zero() -> None:
    assert torch.isfinite(rescaled(torch.ones(2, 3, 4, 4), torch.randn(2, 3, 4, 4), 1.0)).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_options_out_of_range(share: float) -> None:
    with pytest.raises(InputError, match=r"share: .* is not allowed; give a number from 0 to 1"):
        Rescale(share=share)
