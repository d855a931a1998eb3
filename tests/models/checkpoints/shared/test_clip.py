"""CLIP's tokenizer and text model as an encoder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from limn.guidance.token_weights import TokenWeights, Weighed
from limn.kernel.branch import Branch
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.step import Step
from limn.models.checkpoints.shared.clip import CHUNKS, ClipEncoder

ODD = ["", " ", "İstanbul 🦄", "日本語 テキスト", "a\u200bb", "<|endoftext|>", "'s", "é" * 5, "\x07"]


@pytest.fixture
def encoder(loaded: Callable[..., Generator]) -> ClipEncoder:
    found: Any = loaded().stages[0].encoder.reader
    assert isinstance(found, ClipEncoder)
    return found


def test_tokens_equal_those_of_the_library_for_any_text(encoder: ClipEncoder, pipeline: Callable[..., Any]) -> None:
    theirs = pipeline("epsilon", torch.float32).tokenizer
    for text in ["a red heart", "Photo of THE  cat, dog & zebra!", *ODD]:
        assert encoder.tokenizer(text).input_ids == theirs(text).input_ids


def test_a_dropped_text_is_the_empty_one_and_the_mask_tells_words_from_padding(encoder: ClipEncoder) -> None:
    rows = encoder.encode([Ask(Prompt("a red heart")), Ask(Prompt("a cat"), frozenset({"text"})), Ask(Prompt(""))])
    assert rows.tokens.shape == (3, 77, 16)
    assert torch.equal(rows.tokens[1], rows.tokens[2])
    assert rows.mask.sum(1).tolist() == [5, 2, 2]
    assert not rows.tokens.requires_grad


def test_spans_point_at_the_words(encoder: ClipEncoder) -> None:
    text = "a RED heart"
    spans = encoder.spans(text)
    assert len(spans) == 77
    assert [text[start:end] for start, end in spans[:5]] == ["", "a", "RED", "heart", ""]
    assert set(spans[4:]) == {(0, 0)}


def common(pipe: Any, chunks: list[list[str]]) -> torch.Tensor:
    """What web UIs make of chunks of tokens: each between its ends, filled up, encoded alone."""
    tokenizer, parts = pipe.tokenizer, []
    for words in chunks:
        ids = [tokenizer.bos_token_id, *tokenizer.convert_tokens_to_ids(words), tokenizer.eos_token_id]
        ids += [tokenizer.pad_token_id] * (77 - len(ids))
        with torch.no_grad():
            parts.append(pipe.text_encoder(torch.tensor([ids])).last_hidden_state)
    return torch.cat(parts, 1)


CAT, DOG, COMMA = "cat</w>", "dog</w>", ",</w>"


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        (" ".join(["cat"] * 75), [[CAT] * 75]),
        (" ".join(["cat"] * 76), [[CAT] * 75, [CAT]]),
        (" ".join(["cat"] * 160), [[CAT] * 75, [CAT] * 75, [CAT] * 10]),
        ("cat BREAK dog", [[CAT], [DOG]]),
        ("cat BREAK BREAK dog", [[CAT], [], [DOG]]),
        ("BREAK dog", [[], [DOG]]),
        ("dog BREAK", [[DOG]]),
        ("", [[]]),
        # A phrase after a comma among the last twenty tokens goes into the next chunk; one further back does not.
        (" ".join(["cat"] * 60) + ", " + " ".join(["dog"] * 20), [[CAT] * 60 + [COMMA], [DOG] * 20]),
        (" ".join(["cat"] * 54) + ", " + " ".join(["dog"] * 21), [[CAT] * 54 + [COMMA] + [DOG] * 20, [DOG]]),
        (" ".join(["cat"] * 75) + ", dog", [[CAT] * 75, [COMMA, DOG]]),
    ],
)
def test_long_prompts_are_read_as_web_uis_read_them(
    text: str, chunks: list[list[str]], encoder: ClipEncoder, pipeline: Callable[..., Any]
) -> None:
    found = encoder.encode([Ask(Prompt(text))])
    wanted = common(pipeline("epsilon", torch.float32), chunks)
    torch.testing.assert_close(found.tokens, wanted)
    assert found.extras["length"].tolist() == [77 * len(chunks)]
    spans = encoder.spans(text)
    assert len(spans) == wanted.shape[1]
    words = [text[start:end] for start, end in spans if end]
    assert words == [token.removesuffix("</w>") for chunk in chunks for token in chunk]


def test_what_a_very_long_prompt_loses_is_said(encoder: ClipEncoder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    fits = " ".join(["cat"] * 75 * CHUNKS)
    assert encoder.unread(fits) == ""
    assert encoder.unread(fits + " red dog") == "red dog"
    cut = encoder.encode([Ask(Prompt(fits + " red dog"))])
    assert torch.equal(cut.tokens, encoder.encode([Ask(Prompt(fits))]).tokens)
    assert not caplog.records


def test_rows_of_other_lengths_are_as_alone(loaded: Callable[..., Generator]) -> None:
    """A short negative prompt beside a long prompt: the U-Net reads each row's own tokens and no more."""
    stage = loaded("epsilon", torch.float64).stages[0]
    texts = ["cat BREAK a red heart BREAK dog", "blurry", "a dog BREAK cat"]
    rows = [stage.encoder.encode([Ask(Prompt(text))]) for text in texts]
    x = torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    level = stage.schedule.levels(4, stage.sampler)[1]
    with torch.no_grad():
        together = stage.predictor(x, level, Conditioning.stack(rows), [None] * 3)
        alone = [stage.predictor(x[k : k + 1], level, row, [None]) for k, row in enumerate(rows)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-10)


def test_weights_reach_words_of_later_chunks(loaded: Callable[..., Generator]) -> None:
    stage = loaded().stages[0]
    branches = {"main": Branch(Prompt("cat BREAK a (red:1.5) heart"))}
    level = stage.schedule.levels(4, stage.sampler)
    step = Step(index=0, total=4, x=torch.zeros(1, 4, 8, 8), level=level[0], next=level[1], encoder=stage.encoder)
    edit = TokenWeights().expand(branches, step)["main"].attention
    assert edit == Weighed(weights=((77 + 2, 1.5),))


@pytest.mark.parametrize("skip", [0, 1])
def test_skipped_layers_are_those_of_diffusers(
    skip: int, encoder: ClipEncoder, pipeline: Callable[..., Any]
) -> None:
    model = pipeline("epsilon", torch.float32).text_encoder
    ids = torch.tensor([encoder.tokenizer("a red heart", padding="max_length", max_length=77).input_ids])
    with torch.no_grad():
        wanted = model.final_layer_norm(model(ids, output_hidden_states=True).hidden_states[-1 - skip])
    skipping = ClipEncoder(encoder.tokenizer, encoder.model, encoder.limit, skip=skip)
    with torch.no_grad():
        torch.testing.assert_close(skipping.encode([Ask(Prompt("a red heart"))]).tokens, wanted)


def test_pictures_in_a_prompt_are_refused(encoder: ClipEncoder) -> None:
    with pytest.raises(InputError, match="reads text only"):
        encoder.encode([Ask(Prompt("a cat", images=(b"png",)))])
