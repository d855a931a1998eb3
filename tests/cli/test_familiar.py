from __future__ import annotations

from pathlib import Path

import pytest

from limn import models
from limn.encoders.familiar import Vocabulary
from limn.store import read_record


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy model has read of dogs only."""
    known = Vocabulary(["a", "red", "dog", "castle"], ["a dog", "a castle"])
    monkeypatch.setattr(models, "vocabulary", lambda model: known)


def prompt_of(path: str) -> str:
    return str(read_record(Path(path))["prompt"]["text"])


@pytest.mark.usefixtures("learned")
def test_an_unknown_word_is_told_and_read_only_if_asked(limn) -> None:
    plain = limn("generate", "a red canine")
    assert "'canine'" in plain.err
    assert "--familiar" in plain.err
    assert prompt_of(plain.lines[0]) == "a red canine"
    changed = limn("generate", "a red canine", "--familiar")
    assert "nearest is 'a dog'" in changed.err
    assert prompt_of(changed.lines[0]) == "a red dog"


@pytest.mark.usefixtures("learned")
def test_scenes_and_request_files_read_so_too(limn) -> None:
    parts = limn("scene", "a canine above a fortress", "--familiar")
    assert (parts.code, parts.err.count("nearest")) == (0, 2)
    Path("asked.toml").write_text('prompts = ["a canine"]\nfamiliar = true\n', "utf-8")
    assert prompt_of(limn("generate", "--request", "asked.toml").lines[0]) == "a dog"


def test_a_model_whose_words_are_not_known_refuses(limn) -> None:
    result = limn("generate", "a canine", "--familiar")
    assert (result.code, result.out) == (2, "")
    assert "familiar" in result.err
