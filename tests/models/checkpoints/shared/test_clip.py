"""CLIP's tokenizer and text model as an encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.models.checkpoints.shared.clip import ClipEncoder, read_tokenizer

ODD = ["", " ", "İstanbul 🦄", "日本語 テキスト", "a\u200bb", "<|endoftext|>", "'s", "é" * 5, "\x07"]


@pytest.fixture
def encoder(loaded: Callable[..., Generator]) -> ClipEncoder:
    found = loaded().stages[0].encoder
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


def test_what_a_long_prompt_loses_is_said(encoder: ClipEncoder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    fits, long = " ".join(["cat"] * 75), " ".join(["cat"] * 75 + ["red", "dog"])
    assert encoder.unread(fits) == ""
    assert encoder.unread(long) == "red dog"
    cut = encoder.encode([Ask(Prompt(long))])
    assert torch.equal(cut.tokens, encoder.encode([Ask(Prompt(fits))]).tokens)
    assert not caplog.records


def test_pictures_in_a_prompt_are_refused(encoder: ClipEncoder) -> None:
    with pytest.raises(InputError, match="reads text only"):
        encoder.encode([Ask(Prompt("a cat", images=(b"png",)))])


def test_old_and_new_files_give_the_same_tokenizer(copy: Path, encoder: ClipEncoder, tmp_path: Path) -> None:
    encoder.tokenizer.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new" / "vocab.json").exists()
    new = read_tokenizer(tmp_path / "new", size=1000, limit=77)
    old = read_tokenizer(copy / "tokenizer", size=1000, limit=77)
    for text in ["a red heart", *ODD]:
        assert new(text).input_ids == old(text).input_ids == encoder.tokenizer(text).input_ids


def test_the_padding_token_is_the_files_own(copy: Path) -> None:
    config = copy / "tokenizer" / "tokenizer_config.json"
    fields = json.loads(config.read_text())
    config.write_text(json.dumps(fields | {"pad_token": {"content": "!", "lstrip": False}}))
    tokenizer = read_tokenizer(copy / "tokenizer", size=1000, limit=77)
    assert tokenizer.pad_token_id == tokenizer.convert_tokens_to_ids("!")
    assert read_tokenizer(copy / "tokenizer", size=1000, limit=77, pad="<|endoftext|>").pad_token == "<|endoftext|>"


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("vocab.json", "{}", "vocabulary is damaged"),
        ("vocab.json", '{"a": -1}', "vocabulary is damaged"),
        ("vocab.json", '{"a": "b"}', "vocabulary is damaged"),
        ("vocab.json", '{"a": 0}', "is not in it"),
        ("vocab.json", "[]", "JSON object"),
        ("merges.txt", "#version: 0.2\none two three\n", "merges are damaged"),
        ("merges.txt", "#version: 0.2\nqq ww\n", "vocabulary is damaged"),
        ("tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["evil.Evil", null]}}', "asks to run code"),
        ("tokenizer_config.json", '{"tokenizer_class": "EvilTokenizer"}', "tokenizer_class"),
        ("tokenizer_config.json", '{"surprise": 1}', "unknown field 'surprise'"),
        ("special_tokens_map.json", '{"pad_token": 3}', "pad_token"),
    ],
)
def test_damaged_files_are_refused(copy: Path, name: str, text: str, match: str) -> None:
    (copy / "tokenizer" / name).write_text(text)
    with pytest.raises(WeightsError, match=match):
        read_tokenizer(copy / "tokenizer", size=1000, limit=77)


def test_a_vocabulary_of_another_model_is_refused(copy: Path) -> None:
    with pytest.raises(WeightsError, match="more than the text model's 100 tokens"):
        read_tokenizer(copy / "tokenizer", size=100, limit=77)
