"""Painting with words is eDiff-I's formula, for any grid, and touches only its own row."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.paint_with_words import Painted, PaintWithWords
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
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

TEXT = "a red heart and a blue square"
HEART = Region(words="red heart", box=(0, 0, 0.5, 1))
SQUARE = Region(words="a blue square", box=(0.5, 0, 1, 1), weight=2.0)
PROMPT = Prompt(TEXT, regions=(HEART, SQUARE))
SITE = AttentionSite(
    layer=0, layers=1, kind="cross", text=slice(0, 9), image=slice(0, 6), grid=(2, 3), sigma=torch.tensor([2.0, 0.5])
)


def step(ratio: float = 1.0) -> Step:
    return Step(
        index=0, total=1, x=torch.zeros(1, 4), level=Level(1.0, ratio, 0.5), next=Level(1.0, 0.0, 0.0),
        encoder=PromptEncoder(TokenVectors()),
    )  # fmt: skip


def edit(prompt: Prompt = PROMPT, **options: float) -> Painted:
    found = PaintWithWords(**options).expand({"main": Branch(prompt)}, step())["main"].attention
    assert isinstance(found, Painted)
    return found


def tensors(queries: int = 6, keys: int = 9) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 3, size, 4, generator=generator) for size in (queries, keys, keys))
    return query, key, value


def test_tokens_of_the_words() -> None:
    assert edit() == Painted(regions=((HEART, (1, 2)), (SQUARE, (4, 5, 6))), length=7, strength=0.2)
    two = Prompt("a cat and a cat", regions=(replace(HEART, words="cat"), replace(SQUARE, words="cat")))
    assert [tokens for _, tokens in edit(two).regions] == [(1,), (4,)], "the first is painted first"
    one = Prompt("a cat and a cat", regions=(replace(HEART, words="cat"),))
    assert [tokens for _, tokens in edit(one).regions] == [(1, 4)]


def test_it_is_the_formula() -> None:
    query, key, value = tensors()
    out = attend(query, key, value, edits=[edit(), edit()], site=SITE)
    share = torch.tensor([[1, 0.5, 0], [1, 0.5, 0]]).flatten()
    where = torch.zeros(6, 9)
    where[:, [1, 2]] = share[:, None]
    where[:, [4, 5, 6]] = 2 * (1 - share[:, None])
    logits = query @ key.transpose(-1, -2)
    for row, sigma in enumerate([2.0, 0.5]):
        for head in range(3):
            scores = logits[row, head]
            weight = 0.2 * math.log(1 + sigma) * scores[:, :7].max()
            want = torch.softmax((scores + weight * where) / 2, -1) @ value[row, head]
            torch.testing.assert_close(out[row, head], want, rtol=0, atol=1e-6)


def test_a_strong_weight_gives_a_region_to_its_words() -> None:
    query, key, _ = tensors()
    out = edit(strength=100.0).attend(query, key, torch.eye(9).expand(2, 3, 9, 9), None, SITE)
    share = out.view(2, 3, 2, 3, 9)
    assert share[..., 0, [1, 2]].sum(-1).min() > 0.99
    assert share[..., 2, [4, 5, 6]].sum(-1).min() > 0.99


def test_in_one_sequence_only_the_picture_is_painted() -> None:
    query, key, _ = tensors(13, 13)
    site = replace(SITE, kind="joint", text=slice(0, 7), image=slice(7, None))
    bias = edit().bias(query, key, site)
    assert bias.shape == (2, 3, 13, 13)
    assert not bias[:, :, :7].any()
    assert not bias[..., 7:].any()
    short = edit().bias(query[:, :, 7:], key[:, :, :7], SITE)
    torch.testing.assert_close(bias[:, :, 7:, :7], short[..., :7], rtol=0, atol=1e-6)


def test_padding_and_heads_that_like_nothing_change_nothing() -> None:
    query, key, _ = tensors()
    longer = torch.cat([key, 100 * torch.ones(2, 3, 4, 4)], 2)
    torch.testing.assert_close(edit().bias(query, longer, SITE)[..., :9], edit().bias(query, key, SITE))
    assert not edit().bias(query.abs(), -key.abs(), SITE).any()


@pytest.mark.parametrize("site", [replace(SITE, kind="self", text=None), replace(SITE, grid=None)])
def test_elsewhere_nothing_is_done(site: AttentionSite) -> None:
    assert not edit().touches(site)


def test_models_without_a_noise_level() -> None:
    query, key, _ = tensors()
    known = edit().bias(query, key, replace(SITE, sigma=torch.full((2,), math.e - 1)))
    torch.testing.assert_close(edit().bias(query, key, replace(SITE, sigma=None)), known)


def test_pure_noise_paints_no_more_than_much_noise() -> None:
    query, key, _ = tensors()
    pure, much = (replace(SITE, sigma=torch.full((2,), sigma)) for sigma in (1e4, 15.0))
    torch.testing.assert_close(edit().bias(query, key, pure), edit().bias(query, key, much))


def draw(
    stage: Stage, guidances: Sequence[Guidance], prompts: Sequence[Prompt], size: tuple[int, int],
    ledger: Ledger | None = None,
) -> Tensor:  # fmt: skip
    streams = Streams(range(len(prompts)))
    *_, last = stage.walk(list(prompts), guidances, streams, size=size, steps=3, ledger=ledger)
    return last.x


@pytest.mark.parametrize(("model", "size"), [("native", (16, 16)), ("native", (8, 16)), ("sd", (64, 96))])
def test_rows_in_one_forward_do_not_touch_each_other(model: str, size: tuple[int, int], doubles: Generator) -> None:
    stage = native() if model == "native" else doubles.stages[0]
    plain = Prompt("a cat on a photo of the red heart and a blue dog")
    prompts, ledger = [PROMPT, plain, replace(PROMPT, regions=())], Ledger()
    guidances = [PaintWithWords(strength=1.0), ClassifierFree(scale=2.0)]
    together = draw(stage, guidances, prompts, size, ledger)
    assert [each.rows for each in ledger.forwards] == [6] * 3
    torch.testing.assert_close(together[:1], draw(stage, guidances, prompts[:1], size), rtol=0, atol=1e-4)
    without = draw(stage, guidances[1:], prompts, size)
    torch.testing.assert_close(together[1:], without[1:], rtol=0, atol=1e-4)
    assert (together[0] - without[0]).abs().max() > 1e-3


def test_what_is_asked() -> None:
    main = Branch(PROMPT)
    asked = PaintWithWords().expand({"main": main, "null": main.without("text")}, step())
    assert asked["null"] == main.without("text")
    assert asked["main"].attention == edit()
    neutral: list[tuple[PaintWithWords, Branch, float]] = [
        (PaintWithWords(strength=0.0), main, 1.0),
        (PaintWithWords(low=1.0), main, 1.0),
        (PaintWithWords(high=1.0), main, 1.1),
        (PaintWithWords(), Branch(Prompt(TEXT)), 1.0),
        (PaintWithWords(), main.without("text"), 1.0),
    ]
    for part, branch, ratio in neutral:
        assert part.expand({"main": branch}, step(ratio)) == {"main": branch}


def test_a_mask_of_any_size_paints() -> None:
    pixels, file = np.zeros((33, 47), np.uint8), io.BytesIO()
    pixels[:, :24] = 255
    Image.fromarray(pixels).save(file, "PNG")
    masked = edit(Prompt(TEXT, regions=(replace(HEART, mask=file.getvalue()),)))
    boxed = edit(Prompt(TEXT, regions=(replace(HEART, box=(0, 0, 24 / 47, 1)),)))
    query, key, _ = tensors()
    torch.testing.assert_close(masked.bias(query, key, SITE), boxed.bias(query, key, SITE), rtol=0, atol=0.01)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        (Region(words="green dog"), "region 'green dog': the prompt does not say this"),
        (Region(words=" "), "region '': the prompt does not say this"),
        (replace(HEART, weight=math.inf), "region 'red heart': its weight is inf"),
        (replace(HEART, words="end"), "region 'end': the model does not read that far"),
    ],
)
def test_regions_that_cannot_be_painted(region: Region, message: str) -> None:
    with pytest.raises(InputError, match=message):
        edit(Prompt(TEXT + ", very" * 30 + " end", regions=(region,)))


@pytest.mark.parametrize("options", [{"strength": -1.0}, {"strength": math.nan}, {"low": 1.0, "high": 1.0}])
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        PaintWithWords(**options)
