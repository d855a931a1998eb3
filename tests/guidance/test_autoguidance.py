"""Autoguidance: by another checkpoint and by the model with crippled layers, the latter as diffusers has it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.guidance.autoguidance import AutoGuidance, Dropout
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.pag import PAG, Skip
from limn.kernel import registry
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Progress
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, check_together
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from natives import native
from toys import toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=10, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(0.8, 0.6, 0.4))
TEXTS = ("a red heart", "the photo of a blue cat")


def draw(stage: Stage, guidances: list[Guidance], noise: Tensor | None = None, size: int = 16) -> Tensor:
    prompts = [Prompt(text) for text in TEXTS]
    *_, last = stage.walk(prompts, guidances, Streams([5, 6]), size=(size, size), steps=3, noise=noise)
    return last.x


def test_formula_and_what_is_asked() -> None:
    part = AutoGuidance(scale=3.0)
    assert part.expand({"main": MAIN}, STEP) == {"main": MAIN, "worse": MAIN.edited(Skip(layers=()))}
    main, base, worse = torch.randn(3, 2, 4).unbind()
    folded = part.combine({"main": main, "base": base, "worse": worse}, STEP)["main"]
    torch.testing.assert_close(folded, main + 2.0 * (base - worse))
    other = AutoGuidance(model="early").expand({"main": MAIN}, STEP)
    assert other["worse"] == replace(MAIN, adapter="early")
    for still in (AutoGuidance(scale=1.0), AutoGuidance(scale=1.0, model="early")):
        assert still.expand({"main": MAIN}, STEP) == {"main": MAIN}
        assert still.adapters == ()
        assert still.combine({"main": main}, STEP)["main"] is main


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_it_equals_diffusers(doubles: Generator, pipeline: Callable[[str], Any]) -> None:
    import diffusers

    pipe = pipeline("StableDiffusionPipeline")
    config = diffusers.hooks.LayerSkipConfig(indices=[0], fqn="mid_block.attentions.0.transformer_blocks")
    guider = diffusers.guiders.AutoGuidance(guidance_scale=3.0, auto_guidance_config=config)
    noise = Streams([5, 6]).normal((4, 8, 8)).double()
    words, _ = pipe.encode_prompt(list(TEXTS), "cpu", 1, False)
    scheduler = diffusers.DDIMScheduler.from_config(pipe.scheduler.config)
    scheduler.set_timesteps(3)
    x = noise
    for index, t in enumerate(scheduler.timesteps):
        guider.set_state(step=index, num_inference_steps=3, timestep=t)
        guider._count_prepared, found = 0, []
        for _ in range(2):
            guider.prepare_models(pipe.unet)
            with torch.no_grad():
                found.append(pipe.unet(x, t, words).sample)
            guider.cleanup_models(pipe.unet)
        x = scheduler.step(guider.forward(*found).pred, t, x).prev_sample
    ours = draw(doubles.stages[0], [AutoGuidance(scale=3.0)], noise, 64)
    torch.testing.assert_close(ours, x, rtol=0, atol=1e-5)
    assert (ours - draw(doubles.stages[0], [], noise, 64)).abs().max() > 1e-3


def test_without_its_layers_it_is_skip_layer_guidance() -> None:
    ours, other = (draw(native(), [part]) for part in (AutoGuidance(scale=4.0), PAG(scale=3.0, mode="skip")))
    torch.testing.assert_close(ours, other, rtol=0, atol=1e-6)


def test_silent_channels_are_a_share_and_always_the_same() -> None:
    query, key, value = torch.randn(3, 2, 4, 6, 500, generator=torch.Generator().manual_seed(0))
    site = AttentionSite(layer=1, layers=3, kind="self", text=None, image=slice(0, 6))
    edit = Dropout(layers=(), share=0.3)
    plain = attend(query, key, value)
    out = attend(query, key, value, edits=[None, edit], site=site)
    torch.testing.assert_close(out[0], plain[0], rtol=0, atol=1e-6)
    silent = (out[1] == 0).all(1)
    assert silent.float().mean() == pytest.approx(0.3, abs=0.03)
    torch.testing.assert_close(out[1], plain[1] * ~silent[:, None] / 0.7, rtol=1e-5, atol=1e-6)
    few = attend(query[:1, :, :3], key[:1, :, :4], value[:1, :, :4], edits=[edit], site=site)
    assert torch.equal((few[0] == 0).all(1), silent), "whatever the picture"
    assert not edit.touches(replace(site, layer=0))


def first() -> Generator:
    generator = toy()
    generator.others.load = lambda name: {"same": toy, "vague": lambda: toy(spread=0.6)}[name]()
    return generator


def walk(generator: Generator, *guidance: Guidance, ledger: Ledger | None = None) -> Tensor:
    request = generator.request("a heart", guidance=guidance, steps=10, n=2)
    events = generator.draw(request, ledger=ledger)
    return [event.state.x for event in events if isinstance(event, Progress)][-1]


def test_another_checkpoint_is_asked_in_a_forward_of_its_own() -> None:
    ledger = Ledger()
    guided = walk(first(), AutoGuidance(model="vague"), ledger=ledger)
    assert [(forward.adapter, forward.rows) for forward in ledger.forwards[:2]] == [(None, 2), ("vague", 2)]
    torch.testing.assert_close(walk(first(), AutoGuidance(model="same", scale=9.0)), walk(toy()))
    assert guided.std() < walk(toy()).std(), "away from the model that is sure of nothing"


def test_it_takes_the_place_of_classifier_free() -> None:
    with pytest.raises(InputError, match="guidance autoguidance: takes the place of classifier_free"):
        check_together([ClassifierFree(), AutoGuidance()], "clean")


def test_as_text_and_record() -> None:
    part = registry.parse("guidance", "autoguidance:layers=0|2,dropout=0.1")
    assert part == AutoGuidance(layers=(0, 2), dropout=0.1)
    assert registry.build("guidance", registry.record(part)) == part


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 101.0}, "scale: 101.0 is not allowed; give a number from 0 to 100"),
        ({"dropout": 0.0}, "dropout: 0.0 is not allowed; give a number above 0 and up to 1"),
        ({"layers": (-1,)}, "layers: -1 is not allowed"),
        ({"model": "early", "dropout": 0.5}, "model: takes the place of layers and dropout"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        AutoGuidance(**options)
