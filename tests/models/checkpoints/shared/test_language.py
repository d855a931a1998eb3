"""Text models as encoders: which characters each token stands for, what is cut, and what is told apart."""

from __future__ import annotations

import pytest
import torch

from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.models.checkpoints.shared.language import Reader
from tiny_families.parts import qwen3, qwen_tokenizer, t5, t5_tokenizer

CHAT = "<|im_start|>user\n{}<|im_end|>\n"


@pytest.fixture(scope="module")
def chat() -> Reader:
    return Reader(qwen_tokenizer(), qwen3(2).model, limit=40, template=CHAT, filled=False)


def test_spans_are_characters_of_the_prompt(chat: Reader) -> None:
    text = "a red cat"
    spans = chat.spans(text)
    assert [text[start:end] for start, end in spans if start < end] == [letter for letter in text if letter != " "]
    assert len(spans) == len(chat.encode([Ask(Prompt(text))]).tokens[0])
    assert spans[0] == (0, 0), "the template stands for no characters"


def test_pieces_with_a_blank_before_them_stand_for_their_letters() -> None:
    reader = Reader(t5_tokenizer(), t5(), limit=16, masked=False)
    text = "a cat"
    places = dict.fromkeys(
        span for span in reader.spans(text) if span != (0, 0)
    )  # this vocabulary parts ▁ from letters
    assert [text[start:end] for start, end in places] == ["a", "c", "a", "t"]


def test_the_end_that_is_not_read(chat: Reader) -> None:
    assert chat.unread("a cat") == ""
    assert chat.unread("x" * 60) == "x" * (60 - (40 - len("user\n") - 1))


def test_rows_do_not_depend_on_their_company(chat: Reader) -> None:
    alone = chat.encode([Ask(Prompt("dog"))])
    both = chat.encode([Ask(Prompt("a long, long prompt")), Ask(Prompt("dog"))])
    length = alone.tokens.shape[1]
    torch.testing.assert_close(both.tokens[1, :length], alone.tokens[0])
    assert both.mask[1].sum() == length


def test_dropped_text_is_the_empty_text_and_pictures_are_refused(chat: Reader) -> None:
    dropped, empty = chat.encode([Ask(Prompt("dog"), frozenset({"text"})), Ask(Prompt(" "))]).tokens
    assert torch.equal(dropped, empty)
    with pytest.raises(InputError, match="reads text only"):
        chat.encode([Ask(Prompt("dog", images=(b"x",)))])
