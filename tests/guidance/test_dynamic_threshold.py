"""Dynamic thresholding at work on guided pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.dynamic_threshold import DynamicThreshold
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Progress
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from toys import toy

MAIN = Branch(Prompt("a red heart"))
STEP = Step(index=0, total=2, x=torch.zeros(2, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0))


def bounded(main: torch.Tensor, **options: float) -> torch.Tensor:
    return DynamicThreshold(**options).combine({"main": main}, STEP)["main"]


def test_values_within_bounds_stay_and_nothing_is_asked() -> None:
    main = torch.tensor([[0.5, -1.0, 0.9, 0.0], [4.0, -2.0, 1.0, 0.0]])
    out = bounded(main, share=1.0)
    assert torch.equal(out[0], main[0])
    torch.testing.assert_close(out[1], main[1] / 4)
    assert DynamicThreshold().expand({"main": MAIN}, STEP) == {"main": MAIN}


def test_the_share_clips_the_rest() -> None:
    main = torch.linspace(-5, 5, 101)[None]
    out = bounded(main, share=0.8, bound=2.0)
    assert out.abs().max() == 2.0
    torch.testing.assert_close(out[0, 50:90], main[0, 50:90] * 2 / 4, atol=1e-5, rtol=0)


def test_latents_stay_within_what_they_were_before_amplifying() -> None:
    class Latents:
        multiple = 8

        def shape(self, height: int, width: int) -> tuple[int, ...]:
            return (4, height // 8, width // 8)

    base = torch.tensor([[3.0, -2.0, 0.0, 1.0], [1.0, 0.5, -4.0, 0.0]])
    step = replace(STEP, codec=Latents())  # type: ignore[arg-type]
    part = DynamicThreshold(share=1.0)
    found = part.combine({"main": 2 * base, "base": base}, step)["main"]
    torch.testing.assert_close(found, base)
    assert torch.equal(part.combine({"main": base}, step)["main"], base)
    assert torch.equal(DynamicThreshold(share=0.5).combine({"main": base, "base": base}, step)["main"], base)


def test_each_picture_by_itself() -> None:
    main = torch.randn(5, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 3
    together = bounded(main)
    assert torch.allclose(together, torch.cat([bounded(row[None]) for row in main]))


def test_it_comes_after_everything_else() -> None:
    guidance = [DynamicThreshold(share=1.0), ClassifierFree(scale=9.0)]
    generator = toy(batch=2)
    events = generator.draw(generator.request("a heart", n=2, guidance=guidance))
    cleans = [event.state.clean for event in events if isinstance(event, Progress)]
    peaks = torch.stack([clean.abs().amax((1, 2, 3)) for clean in cleans if clean is not None])
    torch.testing.assert_close(peaks, torch.ones_like(peaks))


@pytest.mark.parametrize("options", [{"share": 0.0}, {"share": 1.1}, {"bound": 0.0}, {"bound": float("inf")}])
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=rf"{next(iter(options))}: .* is not allowed; give a number above 0"):
        DynamicThreshold(**options)
