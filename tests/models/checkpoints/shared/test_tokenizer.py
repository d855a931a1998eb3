"""CLIP's tokenizer from its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator
from limn.models.checkpoints.shared.tokenizer import read_tokenizer

ODD = ["", " ", "İstanbul 🦄", "日本語 テキスト", "a\u200bb", "<|endoftext|>", "'s", "é" * 5, "\x07"]


@pytest.fixture
def encoder(loaded: Callable[..., Generator]) -> Any:
    return loaded().stages[0].encoder


def test_old_and_new_files_give_the_same_tokenizer(copy: Path, encoder: Any, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("place", ["tokenizer.json", "tokenizer_config.json", "added_tokens.json"])
def test_added_tokens_are_read_wherever_they_are_stored(place: str, copy: Path, tmp_path: Path) -> None:
    """Each place alone has what the library itself wrote there; the oracle is the library's own tokenizer."""
    own = tiny.tokenizer()
    own.add_tokens(["<my-toy>", "<Zorp>"])
    own.save_pretrained(tmp_path / "all")
    new = json.loads((tmp_path / "all" / "tokenizer.json").read_text())
    added = [token for token in new["added_tokens"] if token["content"] in ("<my-toy>", "<Zorp>")]
    folder = tmp_path / "one"
    folder.mkdir()
    if place == "tokenizer.json":
        (folder / place).write_text(json.dumps(new))
    else:
        (folder / "vocab.json").write_text(json.dumps(new["model"]["vocab"]))
        pairs = [" ".join(pair) if isinstance(pair, list) else pair for pair in new["model"]["merges"]]
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *pairs, ""]))
        fields: dict[str, Any] = {token["content"]: token["id"] for token in added}
        if place == "tokenizer_config.json":
            fields = {"added_tokens_decoder": {str(token.pop("id")): token for token in map(dict, added)}}
        (folder / place).write_text(json.dumps(fields))
    tokenizer = read_tokenizer(folder, size=1000, limit=16)
    for text in ("a <my-toy> heart", "<Zorp> of <my-toy><my-toy>", "a red heart"):
        assert tokenizer(text).input_ids == own(text).input_ids
    with pytest.raises(WeightsError, match="more than the text model's"):
        read_tokenizer(folder, size=len(own) - 1, limit=16)


def test_added_tokens_without_a_place_are_refused(copy: Path) -> None:
    (copy / "tokenizer" / "added_tokens.json").write_text('{"<zorp>": 900}')
    with pytest.raises(WeightsError, match="is added as token 900, with none before it"):
        read_tokenizer(copy / "tokenizer", size=1000, limit=77)
