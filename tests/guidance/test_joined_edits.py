"""Guidances that edit attention work together: their edits join, in one forward, in any order and precision."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
import torch
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.kernel import registry
from limn.kernel.attention import AttentionSite, Joined, attend
from limn.kernel.branch import Branch
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.prompt import Prompt, Region
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from limn.networks.token_embeddings import TokenVectors
from natives import native

WRITTEN = [
    "token_weights",
    "structured:parser=rules",
    "paint_with_words:strength=0.3",
    "pag:scale=2,layers=0|1",
]
PROMPT = Prompt("a (red:1.4) heart and a [blue dog]", regions=(Region(words="heart", box=(0, 0, 0.5, 1)),))
PLAIN = Prompt("a photo of a cat")


def guidances(written: Sequence[str] = WRITTEN) -> list[Guidance]:
    return [registry.parse("guidance", text) for text in [*written, "classifier_free:scale=3"]]  # type: ignore[misc]


def draw(stage: Stage, parts: Sequence[Guidance], prompts: Sequence[Prompt], ledger: Ledger | None = None) -> Tensor:
    size = (16, 16) if stage.codec.multiple != 8 else (64, 64)
    *_, last = stage.walk(prompts, parts, Streams(range(len(prompts))), size=size, steps=2, ledger=ledger)
    return last.x


@pytest.mark.parametrize("model", ["native", "sd"])
def test_together(model: str, doubles: Generator) -> None:
    stage = native() if model == "native" else doubles.stages[0]
    ledger = Ledger()
    together = draw(stage, guidances(), [PROMPT, PLAIN], ledger)
    assert [each.rows for each in ledger.forwards] == [6, 6], "main, perturbed and null of two pictures"
    assert isinstance(ledger.branches[0]["perturbed"].attention, Joined)
    assert len(ledger.branches[0]["perturbed"].attention.parts) == 4
    assert bool(torch.isfinite(together).all())
    assert torch.equal(draw(stage, guidances(WRITTEN[::-1]), [PROMPT, PLAIN]), together)
    torch.testing.assert_close(draw(stage, guidances(), [PROMPT]), together[:1], rtol=0, atol=1e-4)
    for left_out in range(4):
        fewer = draw(stage, guidances(WRITTEN[:left_out] + WRITTEN[left_out + 1 :]), [PROMPT])
        assert (fewer - together[:1]).abs().max() > 1e-5, WRITTEN[left_out]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_biases_add_up_in_any_order_and_precision(dtype: torch.dtype) -> None:
    step = Step(
        index=0, total=1, x=torch.zeros(1, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0),
        encoder=PromptEncoder(TokenVectors()),
    )  # fmt: skip
    branches = {"main": Branch(PROMPT)}
    for part in guidances():
        branches = part.expand(branches, step)
    edit = branches["perturbed"].attention
    assert isinstance(edit, Joined)
    site = AttentionSite(
        layer=1, layers=3, kind="joint", text=slice(0, 8), image=slice(8, None), grid=(2, 3), sigma=torch.ones(1)
    )
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(1, 2, 14, 4, generator=generator).to(dtype) for _ in range(3))
    mask = torch.zeros(1, 1, 1, 14, dtype=dtype)
    mask[..., 7] = -torch.inf
    outs = [
        attend(query, key, value, mask=mask, edits=[Joined(parts)], site=site) for parts in permutations(edit.parts)
    ]
    assert outs[0].dtype == dtype
    assert bool(torch.isfinite(outs[0]).all())
    for out in outs[1:]:
        torch.testing.assert_close(out, outs[0], rtol=0, atol=0.05)
