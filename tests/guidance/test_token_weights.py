"""Weights of words: a word of weight two counts twice, one of weight nothing is not looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.token_weights import TokenWeights, Weighed
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

STEP = Step(
    index=0, total=1, x=torch.zeros(1, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0),
    encoder=PromptEncoder(TokenVectors()),
)  # fmt: skip
SITE = AttentionSite(layer=0, layers=1, kind="cross", text=slice(0, 5), image=slice(0, 6))


def read(text: str, **parts: object) -> Branch:
    return TokenWeights().expand({"main": Branch(Prompt(text, **parts))}, STEP)["main"]  # type: ignore[arg-type]


def tensors(queries: int = 6, keys: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, size, 4, generator=generator) for size in (queries, keys, keys))
    return query, key, value


def test_the_text_is_plain_and_the_edit_has_the_weights() -> None:
    main = read("a (red:1.5) heart and [two (firefighters:2)]")
    assert main.prompt.text == "a red heart and two firefighters"
    tokens = len(STEP.encoder.spans("firefighters"))  # type: ignore[union-attr]
    weights = {1: 1.5, 4: 1 / 1.1} | {5 + k: 2 / 1.1 for k in range(tokens)}
    assert isinstance(main.attention, Weighed)
    assert dict(main.attention.weights) == pytest.approx(weights)
    assert read("  (red) heart").attention == Weighed(weights=((0, 1.1),)), "encoders strip the text"


def test_prompts_without_weights_are_left_alone() -> None:
    for text in ("a red heart", "", "a smile :)"):
        assert read(text) == Branch(Prompt(text))
    assert read("a (red:1) heart") == Branch(Prompt("a red heart"))
    assert read(r"a \(red\) heart") == Branch(Prompt("a (red) heart"))
    assert read("(end:2)" + " very" * 60 + " (end:2)").attention == Weighed(weights=((0, 2.0),))


def test_weights_inside_words_are_the_mean_of_the_letters() -> None:
    main = read("four heart(s:1.6) and a [to]mato")
    spans = STEP.encoder.spans("four hearts and a tomato")  # type: ignore[union-attr]
    letters = [1.0] * 10 + [1.6] + [1.0] * 7 + [1 / 1.1] * 2 + [1.0] * 4
    means = {token: sum(letters[a:b]) / (b - a) for token, (a, b) in enumerate(spans) if a < b}
    assert isinstance(main.attention, Weighed)
    assert dict(main.attention.weights) == pytest.approx({k: mean for k, mean in means.items() if mean != 1})
    assert main.attention.weights


def test_regions_stay() -> None:
    region = Region(words="red heart")
    assert read("a (red:1.2) heart", regions=(region,)).prompt.regions == (region,)


@pytest.mark.parametrize("weight", [0.5, 2.0, 3.0])
def test_a_weight_is_how_often_a_word_counts(weight: float) -> None:
    query, key, value = tensors()
    out = attend(query, key, value, edits=[None, Weighed(weights=((1, weight),))], site=SITE)
    shares = torch.softmax(query @ key.transpose(-1, -2) / 2, -1)
    shares[..., 1] *= weight
    want = (shares / shares.sum(-1, keepdim=True)) @ value
    torch.testing.assert_close(out[1], want[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(out[0], attend(query, key, value)[0], rtol=0, atol=1e-6)


def test_a_word_that_weighs_nothing_is_not_there() -> None:
    query, key, value = tensors()
    edits = [Weighed(weights=((1, 0.0), (3, 0.0)))] * 2
    out = attend(query, key, value, edits=edits, site=SITE)
    want = attend(query, key[:, :, [0, 2, 4]], value[:, :, [0, 2, 4]])
    torch.testing.assert_close(out, want, rtol=0, atol=1e-6)
    joint = replace(SITE, kind="joint", text=slice(0, 3), image=slice(3, None))
    out = attend(query, key, value, edits=[Weighed(weights=((1, 0.0),))] * 2, site=joint)
    want = attend(query, key[:, :, [0, 2, 3, 4]], value[:, :, [0, 2, 3, 4]])
    torch.testing.assert_close(out, want, rtol=0, atol=1e-6)


def test_if_all_words_weigh_nothing_they_are_seen_as_before() -> None:
    query, key, value = tensors()
    mask = torch.zeros(2, 1, 1, 5)
    mask[..., 3:] = -torch.inf
    edits = [Weighed(weights=tuple((k, 0.0) for k in range(3)))] * 2
    out = attend(query, key, value, mask=mask, edits=edits, site=SITE)
    torch.testing.assert_close(out, attend(query, key, value, mask=mask), rtol=0, atol=1e-2)


def draw(stage: Stage, guidances: Sequence[Guidance], texts: Sequence[str], ledger: Ledger | None = None) -> Tensor:
    size = (16, 16) if stage.codec.multiple != 8 else (64, 64)
    walk = stage.walk(
        [Prompt(text) for text in texts], guidances, Streams(range(len(texts))), size=size, steps=3, ledger=ledger
    )
    *_, last = walk
    return last.x


@pytest.mark.parametrize("model", ["native", "sd"])
def test_rows_in_one_forward_do_not_touch_each_other(model: str, doubles: Generator) -> None:
    stage = native() if model == "native" else doubles.stages[0]
    texts = ["a (red:2) heart", "a cat", "the photo of a (blue:1) dog"]
    plain, ledger = ["a red heart", "a cat", "the photo of a blue dog"], Ledger()
    guidances = [ClassifierFree(scale=2.0), TokenWeights()]
    together = draw(stage, guidances, texts, ledger)
    assert [each.rows for each in ledger.forwards] == [6] * 3
    without = draw(stage, guidances[:1], plain)
    torch.testing.assert_close(together[1:], without[1:], rtol=0, atol=1e-4)
    torch.testing.assert_close(together[:1], draw(stage, guidances, texts[:1]), rtol=0, atol=1e-4)
    assert (together[0] - without[0]).abs().max() > 1e-4
    assert (draw(stage, guidances[:1], texts[:1]) - together[:1]).abs().max() > 1e-4, "brackets are text without it"


def test_bad_syntax_is_one_line() -> None:
    with pytest.raises(InputError, match="not from 0 to 10"):
        read("a (red:11) heart")
