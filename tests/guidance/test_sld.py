"""Safe latent diffusion against diffusers' pipeline, and its identities."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.sld import PRESETS, SLD
from limn.kernel import registry
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Progress
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.kernel.step import Step
from toys import colour, toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=50, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))
TEXTS, CONCEPT = ["a red heart", "a blue cat"], "photo of the dog"


def ours(doubles: Any, guidance: Sequence[Guidance], steps: int) -> Tensor:
    walk = doubles.stages[0].walk(
        [Prompt(text) for text in TEXTS],
        guidance,
        Streams([3, 4]),
        size=doubles.size,
        steps=steps,
        noise=Streams([3, 4]).normal((4, 8, 8)).double(),
    )
    *_, last = walk
    return last.x


@pytest.mark.parametrize("preset", ["weak", "medium", "strong", "max"])
def test_latents_equal_the_pipelines(doubles: Any, pipeline: Callable[[str], Any], preset: str) -> None:
    from diffusers.pipelines.deprecated.stable_diffusion_safe import SafetyConfig

    steps, negative = 10, "a blurry dog" if preset == "strong" else ""
    config = dict(getattr(SafetyConfig, preset.upper()))
    config["sld_warmup_steps"] /= 5  # of 10 steps, as the published number is of 50
    pipe, states = pipeline("StableDiffusionPipelineSafe"), []
    pipe.safety_concept = CONCEPT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe(
            TEXTS,
            negative_prompt=[negative] * 2,
            latents=Streams([3, 4]).normal((4, 8, 8)).double(),
            num_inference_steps=steps,
            guidance_scale=7.5,
            callback=lambda index, time, latents: states.append(latents),
            **config,
        )
    free = ClassifierFree(scale=7.5, against=negative)
    part = SLD(preset=preset, concept=CONCEPT, units="paper")  # type: ignore[arg-type]
    found = ours(doubles, [part, free], steps)
    torch.testing.assert_close(found, states[-1], rtol=0, atol=1e-5)
    assert (ours(doubles, [free], steps) - found).abs().max() > 1e-3, "the guidance does something"


def answers(steps: int, pictures: int = 2) -> Tensor:
    """Noise (steps, main or null or concept, pictures, 4) with gaps as small as in Stable Diffusion."""
    random = torch.Generator().manual_seed(7)
    shared = torch.randn(steps, 1, pictures, 4, generator=random, dtype=torch.float64)
    return shared + 0.01 * torch.randn(steps, 3, pictures, 4, generator=random, dtype=torch.float64)


def trace(part: SLD, rows: Tensor, *, scale: float = 7.5, total: int | None = None) -> list[Tensor]:
    """What classifier-free guidance of a scale makes of each step's answers."""
    step = replace(STEP, total=total or len(rows), memory={}, space="noise")
    out, free = [], ClassifierFree(scale=scale)
    for index, (main, null, concept) in enumerate(rows):
        here = replace(step, index=index)
        folded = part.combine({"main": main, "null": null, "safety": concept}, here)
        out.append(free.combine({**folded, "base": folded["main"]}, here)["main"])
    return out


def plain(rows: Tensor, scale: float = 7.5) -> list[Tensor]:
    return [null + scale * (main - null) for main, null, _ in rows]


def test_a_trace_of_14_steps_is_the_published_order_of_operations() -> None:
    rows, nu, wanted = answers(14), torch.zeros(2, 4, dtype=torch.float64), []
    lam, s_s, delta, s_m, beta, w = 0.01, 1000.0, 4, 0.3, 0.4, 7.5
    for i, (main, null, concept) in enumerate(rows):
        scale = torch.clamp((main - concept).abs() * s_s, max=1.0)
        mu = torch.where((main - concept) >= lam, torch.zeros_like(scale), scale)
        gamma = (concept - null) * mu
        gamma = gamma + s_m * nu  # before the momentum moves on
        nu = beta * nu + (1 - beta) * gamma  # also while warming up
        wanted.append(null + w * ((main - null) - (gamma if i >= delta else 0)))
    found = trace(SLD(units="paper", warmup=delta * 50 / 14), rows)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("units", ["own", "paper"])
def test_identities(units: str) -> None:
    rows = answers(6)
    full = {"units": units, "threshold": 1e9, "scale": 1e12, "momentum": 0.0, "warmup": 0.0}
    replaced = [null + 7.5 * (main - concept) for main, null, concept in rows]
    torch.testing.assert_close(trace(SLD(**full), rows), replaced)  # type: ignore[arg-type]
    same = rows.clone()
    same[:, 2] = same[:, 0]
    torch.testing.assert_close(trace(SLD(preset="max", units=units), same), plain(same))  # type: ignore[arg-type]
    off = SLD(scale=0.0, momentum=0.0, units=units)  # type: ignore[arg-type]
    torch.testing.assert_close(trace(off, rows), plain(rows))


def test_warming_up_changes_nothing_but_remembers() -> None:
    rows, part = answers(10), SLD(preset="strong", warmup=25.0)
    torch.testing.assert_close(trace(part, rows)[:5], plain(rows)[:5])
    late = trace(part, rows)[5]
    fresh = trace(replace(part, warmup=0.0), rows[5:])[0]
    assert not torch.allclose(late, fresh), "what was seen while warming up counts"


def test_the_warmup_is_a_share_of_the_walk() -> None:
    for preset, steps in {"weak": 15, "medium": 10, "strong": 7, "max": 0}.items():
        part = SLD(preset=preset)  # type: ignore[arg-type]
        acting = [part.acts(replace(STEP, index=index)) for index in range(50)]
        assert acting.index(True) == steps
        assert all(acting[steps:])
        few = [part.acts(replace(STEP, index=index, total=4)) for index in range(4)]
        assert few.index(True) == -(-4 * steps // 50)


def asked(part: SLD, **where: int) -> set[str]:
    return set(part.expand({"main": MAIN}, replace(STEP, **where)))  # type: ignore[arg-type]


def test_only_what_is_needed_is_asked() -> None:
    everything = {"main", "null", "safety"}
    assert SLD(scale=0.0).expand({"main": MAIN}, STEP) == {"main": MAIN}
    assert asked(SLD(warmup=50.0), index=49) == {"main"}, "a warm-up that never ends"
    assert asked(SLD(preset="weak")) == {"main"}, "without momentum nothing need be remembered"
    assert asked(SLD(preset="weak"), index=15) == everything
    assert asked(SLD(preset="medium")) == everything
    branches = SLD(concept="grey").expand({"main": MAIN, "null": MAIN.saying("blurry")}, replace(STEP, index=20))
    assert branches == {"main": MAIN, "null": MAIN.saying("blurry"), "safety": MAIN.saying("grey")}


def test_own_units_make_presets_independent_of_the_size_of_the_gaps() -> None:
    rows = answers(12)
    part = SLD(preset="strong")
    for factor in (0.1, 30.0):
        larger = rows * factor
        wanted = [each * factor for each in trace(part, rows)]
        torch.testing.assert_close(trace(part, larger), wanted)
        pinned = trace(replace(part, units="paper"), larger)
        assert not torch.allclose(torch.stack(pinned), torch.stack(wanted))


def test_own_units_are_the_papers_where_the_gap_is_the_usual_one() -> None:
    rows = answers(12)
    gap = rows[:, 0] - rows[:, 2]
    rows[:, 2] = rows[:, 0] - gap * (0.01 / gap.abs().mean(-1, keepdim=True))
    torch.testing.assert_close(trace(SLD(units="own"), rows), trace(SLD(units="paper"), rows))


def test_pictures_do_not_know_each_other() -> None:
    rows = answers(8, pictures=3)
    together, alone = trace(SLD(), rows), trace(SLD(), rows[:, :, 1:2])
    assert all(torch.allclose(all3[1:2], one, atol=1e-6) for all3, one in zip(together, alone, strict=True))


def test_with_classifier_free_one_forward_of_three_rows() -> None:
    generator, ledger = toy(), Ledger()
    request = generator.request("a heart", guidance=["sld:preset=max,concept=a cat", "classifier_free:scale=3"])
    list(generator.draw(request, ledger=ledger))
    assert [forward.rows for forward in ledger.forwards] == [3] * 4


@pytest.mark.parametrize("units", ["own", "paper"])
def test_stronger_presets_go_further_from_the_concept(units: str) -> None:
    generator, distances = toy(spread=0.5), []
    for preset in ["", *PRESETS]:
        more = [SLD(preset=preset, concept="a cat", units=units)] if preset else []  # type: ignore[arg-type]
        request = generator.request("a heart", n=4, steps=20, guidance=[*more, ClassifierFree(scale=2.0)])
        last = [event.state.x for event in generator.draw(request) if isinstance(event, Progress)][-1]
        distances.append(float((last.mean((2, 3)) - colour("a cat")).norm(dim=1).mean()))
    assert distances == sorted(distances)
    assert distances[-1] > distances[0] + 0.1


def test_as_text_and_record() -> None:
    part = registry.parse("guidance", "sld:preset=strong,concept='blood, weapons',warmup=3,units=paper")
    assert part == SLD(preset="strong", concept="blood, weapons", warmup=3.0, units="paper")
    assert registry.build("guidance", registry.record(part)) == part


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": -1.0}, "scale: -1.0 is not allowed; give a finite number from 0"),
        ({"scale": float("inf")}, "scale: inf is not allowed; give a finite number from 0"),
        ({"threshold": float("nan")}, "threshold: nan is not allowed; give a finite number"),
        ({"warmup": -1.0}, "warmup: -1.0 is not allowed"),
        ({"momentum": 1.1}, "momentum: 1.1 is not allowed; give a number from 0 to 1"),
        ({"beta": -0.1}, "beta: -0.1 is not allowed"),
        ({"preset": "hard"}, "preset: 'hard' is not known; give weak, medium, strong or max"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        SLD(**options)
    assert "\n" not in str(caught.value)
