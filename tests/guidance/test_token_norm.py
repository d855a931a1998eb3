"""Token norms: the formula of Qwen-Image's pipeline, on packed patches."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from limn.guidance.token_norm import TokenNorm
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.step import Step

X, MAIN, BASE = torch.randn(3, 2, 4, 6, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
STEP = Step(index=0, total=1, x=X, level=Level(0.3, 0.7, 700.0), next=Level(1, 0, 0))


def packed(state: Tensor) -> Tensor:
    """Patches of 2 x 2 as tokens (pictures, tokens, numbers), as FLUX and Qwen-Image pack them."""
    rows, channels, height, width = state.shape
    cut = state.view(rows, channels, height // 2, 2, width // 2, 2).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(rows, height * width // 4, channels * 4)


def test_the_pipelines_formula_on_slopes() -> None:
    slopes = {name: packed((X - clean) / 0.7) for name, clean in (("main", MAIN), ("base", BASE))}
    lengths = {name: slope.norm(dim=-1, keepdim=True) for name, slope in slopes.items()}
    want = slopes["main"] * lengths["base"] / lengths["main"]
    folded = TokenNorm().combine({"main": MAIN, "base": BASE}, STEP)["main"]
    torch.testing.assert_close(packed((X - folded) / 0.7), want)


def test_nothing_to_put_right() -> None:
    answers = {"main": MAIN, "base": MAIN}
    assert TokenNorm().combine(answers, STEP) is answers


def test_states_that_are_no_multiple_of_a_patch() -> None:
    answers = {"main": MAIN[..., :5, :7], "base": BASE[..., :5, :7]}
    step = Step(index=0, total=1, x=X[..., :5, :7], level=Level(0.3, 0.7, 700.0), next=Level(1, 0, 0))
    assert TokenNorm().combine(answers, step)["main"].shape == (2, 4, 5, 7)


def test_a_patch_is_a_whole_number() -> None:
    with pytest.raises(InputError, match="patch: 0 is not allowed"):
        TokenNorm(patch=0)
