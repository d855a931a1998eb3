"""SEG equals diffusers' guider and its filter; only what picture tokens see of the picture is blurred."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.pag import PAG
from limn.guidance.seg import SEG, Smoothed, gaussian
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.level import Level
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.kernel.step import Step
from natives import native

MAIN = Branch(Prompt("a red heart"))


def step(ratio: float = 1.0) -> Step:
    level, there = Level(1.0, ratio, 0.5), Level(1.0, 0.0, 0.0)
    return Step(index=0, total=1, x=torch.zeros(1, 4), level=level, next=there)


def test_the_smoothed_answer_is_that_of_diffusers(doubles: Generator, pipeline: Callable[[str], Any]) -> None:
    """With any width below ten thousand the hook of diffusers 0.42 takes the mean, so blurs without end."""
    from diffusers.hooks.smoothed_energy_guidance_utils import (
        SmoothedEnergyGuidanceConfig,
        _apply_smoothed_energy_guidance_hook,
    )

    stage = doubles.stages[0]
    rows = stage.encoder.encode([Ask(MAIN.prompt)])
    x, level = Streams([3]).normal((4, 8, 8)).double(), stage.schedule.levels(4, stage.sampler)[1]
    (edit,) = [own.attention for name, own in SEG().expand({"main": MAIN}, step()).items() if name == "smoothed"]
    found = stage.predictor(x, level, rows, [edit])
    unet = pipeline("StableDiffusionPipeline").unet
    block = unet.mid_block.attentions[0].transformer_blocks[0].attn1
    config = SmoothedEnergyGuidanceConfig([0], "mid_block.attentions.0.transformer_blocks", ["to_q"])
    _apply_smoothed_energy_guidance_hook(unet, config, 1.0, "seg")
    try:
        told = {"encoder_hidden_states": rows.tokens.double(), "return_dict": False}
        noise = unet(x, torch.tensor(level.time), **told)[0]
    finally:
        block.to_q._diffusers_hook.remove_hook("seg")
    want = (x - level.sigma * noise) / level.alpha
    torch.testing.assert_close(found, want, rtol=0, atol=1e-9)
    assert (found - stage.predictor(x, level, rows, [None])).abs().max() > 1e-4


@pytest.mark.parametrize("blur", [0.4, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("side", [5, 8])
def test_the_filter_is_that_of_diffusers(blur: float, side: int) -> None:
    from math import ceil

    from diffusers.hooks.smoothed_energy_guidance_utils import _gaussian_blur_2d

    query = torch.randn(2, side * side, 6, generator=torch.Generator().manual_seed(0))
    size = ceil(6 * blur) + 1 - ceil(6 * blur) % 2
    want = _gaussian_blur_2d(query.clone(), size, blur, 0.0)
    found = Smoothed(layers=(), blur=blur)._blurred(query[:, None], side, side)
    torch.testing.assert_close(found[:, 0], want, rtol=0, atol=1e-6)


def test_a_filter_keeps_what_is_even_and_blurs_along_its_own_side() -> None:
    assert torch.allclose(gaussian(7, 2.0).sum(1), torch.ones(7))
    assert torch.allclose(gaussian(1, 2.0), torch.ones(1, 1))
    picture = torch.zeros(1, 1, 6, 1)
    picture[0, 0, 1] = 1.0  # of two rows and three columns
    blurred = Smoothed(layers=(), blur=0.5)._blurred(picture, 2, 3).view(2, 3)
    column = gaussian(3, 0.5)[:, 1]
    torch.testing.assert_close(blurred, torch.outer(gaussian(2, 0.5)[:, 0], column))


@pytest.mark.parametrize("start", [0, 3])
def test_in_one_sequence_words_are_seen_as_before(start: int) -> None:
    """Text first or picture first; logits are worked out by hand."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 9, 4, generator=generator) for _ in range(3))
    image, text = (slice(3, 9), slice(0, 3)) if start else (slice(0, 6), slice(6, 9))
    site = AttentionSite(layer=1, layers=3, kind="joint", text=text, image=image, grid=(2, 3))
    out = attend(query, key, value, edits=[None, Smoothed(layers=(), blur=None)], site=site)
    torch.testing.assert_close(out[0], attend(query, key, value)[0], rtol=0, atol=1e-6)
    logits: Tensor = query[1] @ key[1].transpose(-1, -2) / 2
    logits[:, image, image] = logits[:, image, image].mean(1, keepdim=True)
    torch.testing.assert_close(out[1], logits.softmax(-1) @ value[1], rtol=0, atol=1e-6)


def test_formula_and_what_is_asked() -> None:
    part = SEG(scale=2.0, blur=3.0, low=0.5, high=2.0)
    asked = part.expand({"main": MAIN}, step())
    assert asked == {"main": MAIN, "smoothed": MAIN.edited(Smoothed(layers=(), blur=3.0))}
    main, base, bad = torch.randn(3, 2, 4).unbind()
    folded = part.combine({"main": main, "base": base, "smoothed": bad}, step())
    assert torch.equal(folded["main"], main + 2.0 * (base - bad))
    for other, ratio in ((part, 0.5), (part, 2.1), (SEG(scale=0.0), 1.0)):
        assert other.expand({"main": MAIN}, step(ratio)) == {"main": MAIN}
        assert torch.equal(other.combine({"main": main}, step(ratio))["main"], main)


def test_one_forward_beside_other_guidances() -> None:
    stage, ledger = native(), Ledger()

    def draw(*guidances: Any) -> Tensor:
        prompts, streams = [Prompt("a red heart"), Prompt("a cat")], Streams([5, 6])
        *_, last = stage.walk(prompts, guidances, streams, size=(16, 16), steps=2, ledger=ledger)
        return last.x

    all_three = draw(SEG(scale=2.0, blur=1.0), ClassifierFree(scale=3.0), PAG(scale=1.0))
    assert [forward.rows for forward in ledger.forwards] == [8, 8]
    others = draw(ClassifierFree(scale=3.0), PAG(scale=1.0))
    assert (all_three - others).abs().max() > 1e-3
    assert torch.equal(draw(SEG(scale=0.0), ClassifierFree(scale=3.0), PAG(scale=1.0)), others)
    wider = draw(SEG(scale=2.0), ClassifierFree(scale=3.0), PAG(scale=1.0))
    assert (all_three - wider).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -0.1}, "scale: -0.1"),
        ({"blur": 0.0}, "blur: 0.0"),
        ({"blur": float("nan")}, "blur: nan"),
        ({"layers": (0, -1)}, "layers: -1"),
        ({"low": 2.0, "high": 1.0}, "low: 2.0"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SEG(**options)
