"""Structured diffusion is the paper's attention, row by row, and leaves prompts without phrases alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest
import torch
from torch import Tensor

from limn.encoders.prompt import PromptEncoder
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.structured import Bound, Structured
from limn.kernel import registry
from limn.kernel.attention import AttentionSite, attend
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.kernel.stage import Stage
from limn.kernel.step import Step
from limn.models.checkpoints.shared.unet import Rows
from limn.networks.token_embeddings import TokenVectors
from limn.text.noun_phrases import best_parser
from natives import native

TEXT = "a red heart and a blue dog"
Mode = Literal["phrases", "conjunction"]


def bound(encoder: Any, text: str = TEXT, mode: Mode = "phrases") -> Branch:
    step = Step(
        index=0, total=1, x=torch.zeros(1, 4), level=Level(0.6, 0.8, 0.5), next=Level(1.0, 0.0, 0.0), encoder=encoder
    )
    return Structured(mode=mode, parser="rules").expand({"main": Branch(Prompt(text))}, step)["main"]


def edit(encoder: Any, text: str = TEXT, mode: Mode = "phrases") -> Bound:
    found = bound(encoder, text, mode).attention
    assert isinstance(found, Bound)
    return found


def words(encoder: Any, text: str) -> Tensor:
    """Text vectors of a text, its ends and padding among them."""
    tokens: Tensor = encoder.encode([Ask(Prompt(text))]).tokens[0]
    return tokens


def readings(encoder: Any) -> list[Tensor]:
    """The prompt's vectors, with either phrase written in, and with both; the tiny model knows all these words."""
    prompt, heart, dog = (words(encoder, text) for text in (TEXT, "a red heart", "a blue dog"))
    first, second = prompt.clone(), prompt.clone()
    first[1:4] = heart[1:4]
    dogs = len([span for span in encoder.spans("a blue dog") if span[1]])
    second[5 : 5 + dogs] = dog[1 : 1 + dogs]
    both = first.clone()
    both[5 : 5 + dogs] = second[5 : 5 + dogs]
    return [prompt, first, second, both]


def test_phrases_are_written_over_their_places(doubles: Generator) -> None:
    encoder = doubles.stages[0].encoder
    found = edit(encoder).readings
    assert len(found) == 4
    for ours, want in zip(found, readings(encoder), strict=True):
        torch.testing.assert_close(ours, want, rtol=0, atol=1e-9)
    assert not torch.equal(found[0], found[2]), "CLIP reads forwards: the first phrase is read the same alone"


@pytest.mark.parametrize("text", ["  two zebras, and the XL-cats!", "a red heart" + " and a dog" * 60])
def test_words_of_several_tokens_and_texts_that_are_cut(doubles: Generator, text: str) -> None:
    encoder = doubles.stages[0].encoder
    spans = encoder.spans(text.strip())
    prompt, *alone, both = edit(encoder, text).readings
    changed = [
        place for place, (start, end) in enumerate(spans) if start < end and "and" not in text.strip()[start:end]
    ]
    differ = (both != prompt).any(-1).nonzero().flatten().tolist()
    assert set(differ) <= set(changed)
    assert set(differ) == {
        place for each in alone for place in (each != prompt).any(-1).nonzero().flatten().tolist()
    }


@pytest.mark.parametrize("mode", ["phrases", "conjunction"])
def test_it_is_the_papers_attention(doubles: Generator, mode: Mode) -> None:
    stage = doubles.stages[0]
    encoder, model = stage.encoder, stage.predictor.network.model  # type: ignore[attr-defined]
    attention = model.mid_block.attentions[0].transformer_blocks[0].attn2
    state = torch.randn(2, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    text = words(encoder, TEXT).expand(2, -1, -1)
    rows = Rows(edits=(None, edit(encoder, mode=mode)), sigma=torch.ones(2), size=(8, 8), columns=slice(None))
    ours = attention(state, encoder_hidden_states=text, rows=rows)

    def heads(flat: Tensor) -> Tensor:
        return flat.view(flat.shape[0], attention.heads, -1).transpose(0, 1)

    query = heads(attention.to_q(state[1]))
    keys = [heads(attention.to_k(each)) for each in readings(encoder)]
    values = [heads(attention.to_v(each)) for each in readings(encoder)]
    maps = [torch.softmax(query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5, -1) for key in keys]
    if mode == "phrases":
        means = [maps[0] @ value for value in values[:3]]
    else:
        means = [each @ values[3] for each in maps[:3]]
    mean = torch.stack(means).mean(0).transpose(0, 1).flatten(1)
    torch.testing.assert_close(ours[1], attention.to_out[0](mean), rtol=0, atol=1e-6)
    torch.testing.assert_close(ours[0], attention(state, encoder_hidden_states=text)[0], rtol=0, atol=1e-9)
    assert (ours[1] - attention(state, encoder_hidden_states=text)[1]).abs().max() > 1e-4


def test_in_one_sequence_words_see_their_own_phrase() -> None:
    encoder = PromptEncoder(TokenVectors())
    here = AttentionSite(layer=0, layers=1, kind="joint", text=slice(0, 8), image=slice(8, None))
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, 2, 12, 4, generator=generator) for _ in range(3))
    mask = torch.zeros(2, 1, 1, 12)
    mask[..., 7] = -torch.inf  # one word of padding
    out = attend(query, key, value, mask=mask, edits=[None, edit(encoder)], site=here)
    plain = attend(query, key, value, mask=mask)
    same = [3, *range(8, 12)]  # "and", the picture
    torch.testing.assert_close(out[0], plain[0], rtol=0, atol=1e-6)
    torch.testing.assert_close(out[1][:, same], plain[1][:, same], rtol=0, atol=1e-6)
    for phrase in ([0, 1, 2], [4, 5, 6]):
        seen = [*phrase, *range(8, 12)]
        want = attend(query[1:, :, phrase], key[1:, :, seen], value[1:, :, seen])
        torch.testing.assert_close(out[1:, :, phrase], want, rtol=0, atol=1e-6)


def test_where_it_acts() -> None:
    found = edit(PromptEncoder(TokenVectors()))
    site = {"layer": 0, "layers": 1, "image": slice(0, 4)}
    assert not found.touches(AttentionSite(kind="self", text=None, **site))
    assert not found.touches(AttentionSite(kind="cross", text=slice(0, 8), **site))
    assert not found.touches(AttentionSite(kind="joint", text=slice(0, 8), **site)), "the words were seen before"
    assert found.touches(AttentionSite(kind="cross", text=slice(0, 8), project=lambda which, x: x, **site))


def draw(stage: Stage, guidances: Sequence[Guidance], texts: Sequence[str], ledger: Ledger | None = None) -> Tensor:
    size = (16, 16) if stage.codec.multiple != 8 else (64, 64)
    walk = stage.walk(
        [Prompt(text) for text in texts], guidances, Streams(range(len(texts))), size=size, steps=2, ledger=ledger
    )
    *_, last = walk
    return last.x


@pytest.mark.parametrize("mode", ["phrases", "conjunction"])
@pytest.mark.parametrize("model", ["native", "sd"])
def test_rows_in_one_forward_do_not_touch_each_other(model: str, mode: Mode, doubles: Generator) -> None:
    stage = native() if model == "native" else doubles.stages[0]
    texts, ledger = [TEXT, "cats", "a red heart", "a cat of the blue dog and a photo of a red heart"], Ledger()
    guidances = [ClassifierFree(scale=2.0), Structured(mode=mode, parser="rules")]
    together, without = draw(stage, guidances, texts, ledger), draw(stage, guidances[:1], texts)
    assert [each.rows for each in ledger.forwards] == [8, 8]
    for place in (0, 3):
        alone = stage.walk(
            [Prompt(texts[place])],
            guidances,
            Streams([place]),
            size=(16, 16) if model == "native" else (64, 64),
            steps=2,
        )
        *_, last = alone
        torch.testing.assert_close(together[place : place + 1], last.x, rtol=0, atol=1e-4)
        assert (together[place] - without[place]).abs().max() > 1e-5
    # Without phrases, and when the only phrase is the whole prompt, nothing changes.
    torch.testing.assert_close(together[1:3], without[1:3], rtol=0, atol=1e-4)


def test_what_is_asked() -> None:
    encoder = PromptEncoder(TokenVectors())
    main = bound(encoder)
    assert main.prompt == Prompt(TEXT)
    assert main.attention == edit(PromptEncoder(TokenVectors())), "equal edits share a batch"
    assert edit(encoder) != edit(encoder, mode="conjunction")
    for text in ("", "cats", "cats and dogs"):
        assert bound(encoder, text) == Branch(Prompt(text))


def test_options() -> None:
    part = registry.parse("guidance", "structured:mode=conjunction,parser=rules")
    assert part == Structured(mode="conjunction", parser="rules")
    assert registry.record(Structured())["parser"] == best_parser(), "the record names the parser used"
    with pytest.raises(InputError, match="mode"):
        registry.parse("guidance", "structured:mode=values")
