"""PAG attention equals diffusers'; skipped layers are as if they were not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.pag import PAG, Identity
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from natives import native

MAIN = Branch(Prompt("a red heart"))
STEPS, SEED = 3, 5


def step(ratio: float = 1.0) -> Step:
    level, there = Level(1.0, ratio, 0.5), Level(1.0, 0.0, 0.0)
    return Step(index=0, total=1, x=torch.zeros(1, 4), level=level, next=there)


def draw(
    stage: Stage, guidances: Sequence[Guidance], prompts: Sequence[str], size: int = 16, ledger: Ledger | None = None
) -> Tensor:
    walk = stage.walk(
        [Prompt(text) for text in prompts], guidances, Streams([SEED + k for k in range(len(prompts))]),
        size=(size, size), steps=STEPS, ledger=ledger,
    )  # fmt: skip
    *_, last = walk
    return last.x


@pytest.mark.parametrize("scale", [1.0, 7.5])
@pytest.mark.parametrize(
    ("layers", "names"),
    [((), ["mid"]), ((1, 2, 4), ["down_blocks.0.attentions.1", "mid", "up_blocks.1.attentions.1"])],
)
def test_it_equals_diffusers(
    doubles: Generator, pipeline: Callable[[str], Any], scale: float, layers: tuple[int, ...], names: list[str]
) -> None:
    import diffusers

    pipe = pipeline("StableDiffusionPAGPipeline")
    pipe.scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
    plain = dict(pipe.unet.attn_processors)
    pipe.set_pag_applied_layers(names)
    texts = ["a red heart", "the photo of a blue cat"]
    noise = Streams([SEED, SEED + 1]).normal((4, 8, 8)).double()
    try:
        want = pipe(
            texts,
            num_inference_steps=STEPS,
            guidance_scale=scale,
            pag_scale=2.0,
            output_type="latent",
            latents=noise,
        ).images
    finally:
        pipe.unet.set_attn_processor(plain)
    guidances = [PAG(scale=2.0, layers=layers), ClassifierFree(scale=scale)]
    walk = doubles.stages[0].walk(
        [Prompt(text) for text in texts], guidances, Streams([0, 0]), size=doubles.size, steps=STEPS, noise=noise
    )
    *_, last = walk
    torch.testing.assert_close(last.x, want, rtol=0, atol=1e-5)
    assert (want - draw(doubles.stages[0], guidances[1:], texts, 64)).abs().max() > 1e-3


def test_formula_and_what_is_asked() -> None:
    part = PAG(scale=2.0, low=0.5, high=2.0)
    asked = part.expand({"main": MAIN}, step())
    assert asked == {"main": MAIN, "perturbed": MAIN.edited(Identity(layers=()))}
    main, base, bad = torch.randn(3, 2, 4).unbind()
    folded = part.combine({"main": main, "base": base, "perturbed": bad}, step())
    assert torch.equal(folded["main"], main + 2.0 * (base - bad))
    for other, ratio in ((part, 0.5), (part, 2.1), (PAG(scale=0.0), 1.0)):
        assert other.expand({"main": MAIN}, step(ratio)) == {"main": MAIN}
        assert torch.equal(other.combine({"main": main}, step(ratio))["main"], main)


def tensors(queries: int, keys: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, size, 4, generator=generator) for size in (queries, keys, keys))
    return query, key, value


def test_in_one_sequence_the_picture_still_sees_the_words() -> None:
    query, key, value = tensors(8, 8)
    site = AttentionSite(layer=1, layers=3, kind="joint", text=slice(0, 3), image=slice(3, None))
    out = attend(query, key, value, edits=[None, Identity(layers=())], site=site)
    plain = attend(query, key, value)
    torch.testing.assert_close(out[0], plain[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(out[1, :, :3], plain[1, :, :3], rtol=0, atol=1e-6)
    for place in range(3, 8):
        seen = [0, 1, 2, place]
        want = attend(query[1:, :, [place]], key[1:, :, seen], value[1:, :, seen])
        torch.testing.assert_close(out[1:, :, [place]], want, rtol=0, atol=1e-6)


def test_tokens_that_come_one_after_another_are_seen_as_in_one_go() -> None:
    query, key, value = tensors(8, 8)
    edits = [Identity(layers=(0,)), Identity(layers=(0,))]
    site = AttentionSite(layer=0, layers=1, kind="joint", text=slice(0, 3), image=slice(3, None))
    later = AttentionSite(layer=0, layers=1, kind="joint", text=slice(0, 3), image=slice(0, None))
    whole = attend(query, key, value, causal=True, edits=edits, site=site)
    last = attend(query[:, :, 6:], key, value, causal=True, edits=edits, site=later)
    torch.testing.assert_close(last, whole[:, :, 6:], rtol=0, atol=1e-6)


def test_where_it_acts() -> None:
    site = {"kind": "self", "text": None, "image": slice(0, 4)}
    middle = [AttentionSite(layer=k, layers=6, middle=2, **site) for k in range(6)]
    half = [AttentionSite(layer=k, layers=6, **site) for k in range(6)]
    assert [Identity(layers=()).touches(each) for each in middle] == [k == 2 for k in range(6)]
    assert [Identity(layers=()).touches(each) for each in half] == [k == 3 for k in range(6)]
    assert [Identity(layers=(0, 5)).touches(each) for each in half] == [k in (0, 5) for k in range(6)]
    assert not Identity(layers=()).touches(replace(half[3], kind="cross", text=slice(0, 3)))


@pytest.mark.parametrize("mode", ["identity", "skip"])
def test_one_forward_in_which_the_other_rows_stay_as_they_are(mode: str, doubles: Generator) -> None:
    for stage, size in ((native(), 16), (doubles.stages[0], 64)):
        ledger, prompts = Ledger(), ["a red heart", "a cat"]
        guidances = [PAG(scale=2.0, mode=mode), ClassifierFree(scale=3.0)]  # type: ignore[arg-type]
        together = draw(stage, guidances, prompts, size, ledger)
        assert [each.rows for each in ledger.forwards] == [6] * STEPS
        torch.testing.assert_close(together[:1], draw(stage, guidances, prompts[:1], size), rtol=0, atol=1e-4)
        assert (together - draw(stage, guidances[1:], prompts, size)).abs().max() > 1e-3
        still = draw(stage, [PAG(scale=0.0, mode=mode), guidances[1]], prompts, size)  # type: ignore[arg-type]
        assert torch.equal(still, draw(stage, guidances[1:], prompts, size))


def test_a_skipped_layer_is_as_if_it_were_not_there() -> None:
    stage, short = native(), native()
    del short.predictor.network.transformer.trunk.blocks[1]  # type: ignore[attr-defined]
    edit = PAG(mode="skip").expand({"main": MAIN}, step())["perturbed"].attention
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    from limn.kernel.predictor import Ask

    rows = stage.encoder.encode([Ask(MAIN.prompt), Ask(Prompt("a cat"))])
    level = Level(0.6, 0.8, 0.5)
    answer = stage.predictor(x, level, rows, [edit, None])
    torch.testing.assert_close(answer[:1], short.predictor(x, level, rows, [None] * 2)[:1], rtol=0, atol=1e-6)
    torch.testing.assert_close(answer[1:], stage.predictor(x, level, rows, [None] * 2)[1:], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -0.1}, "scale: -0.1"),
        ({"scale": float("nan")}, "scale: nan"),
        ({"layers": (0, -1)}, "layers: -1"),
        ({"low": 2.0, "high": 1.0}, "low: 2.0"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PAG(**options)


@pytest.mark.parametrize("mode", ["identity", "skip"])
def test_a_layer_that_is_not_there(mode: str) -> None:
    with pytest.raises(InputError, match="there is no layer 3; this model's are 0 to 2"):
        draw(native(), [PAG(mode=mode, layers=(0, 3))], ["a cat"])  # type: ignore[arg-type]
