"""Textual Inversion: only the word's vectors move, and they stay where they are told to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lessons
import small_models
from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.personalise.loop import Plan
from limn.personalise.templates import templates

WORD = {"native": 128, "stable_diffusion": 16}


@pytest.mark.parametrize("kind", WORD)
def test_nothing_but_the_word_moves(kind: str, tmp_path: Path) -> None:
    generator = getattr(small_models, kind)(tmp_path / "m")
    before = lessons.weights(generator)
    run = lessons.learning(
        tmp_path, "textual_inversion:thing=dog,vectors=2,batch=2,word=<zorp>", generator, plan=Plan(steps=2, looks=1)
    )
    begun = run.kept["<zorp>"].clone()
    lessons.finished(run)
    after = lessons.weights(generator)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    rows = run.kept["<zorp>"]
    assert rows.shape == (2, WORD[kind])
    assert ((rows - begun).norm(dim=1) > 0).all(), "each vector learns"
    (words,) = run.lesson.change.learned(run.kept).words.items()
    assert words[0] == "<zorp>"
    assert torch.equal(words[1][0], rows)


@pytest.mark.parametrize("kind", WORD)
def test_it_begins_as_the_word_for_the_kind_of_thing(kind: str, tmp_path: Path) -> None:
    generator = getattr(small_models, kind)(tmp_path)
    how = lessons.method("textual_inversion:thing=dog")
    change = how.lesson(lessons.given(generator, how)).change
    assert change.encoder is not None
    word, thing = (
        encoder.encode([Ask(Prompt(text))]).tokens
        for encoder, text in ((change.encoder, "a red zorp"), (generator.main.encoder, "a red dog"))
    )
    torch.testing.assert_close(word.detach(), thing)


def test_lengths_are_kept_or_told(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path / "m")
    for norm, moves in (("keep", False), ("free", True)):
        run = lessons.learning(
            tmp_path / norm,
            f"textual_inversion:start=random,norm={norm},lr=0.5,batch=1",
            generator,
            plan=Plan(steps=3, looks=0),
        )
        lessons.finished(run)
        lengths = [one.facts["length over usual"] for one in run.history]
        assert lengths[0] == pytest.approx(1.0)
        assert (abs(lengths[-1] - 1) > 1e-3) == moves


def test_the_sentences_use_words_that_the_model_knows() -> None:
    assert len(templates("object", None)) == 27
    assert len(templates("style", None)) == 19
    known = frozenset(["a", "photo", "of", "the", "picture"])
    assert list(templates("object", known)) == ["a photo of a {}", "the photo of a {}", "a photo of the {}"]
    assert list(templates("plain", frozenset())) == ["a {}"]


def test_a_start_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    how = lessons.method("textual_inversion")
    with pytest.raises(InputError, match="start=random"):
        how.lesson(lessons.given(lessons.native(tmp_path), how))
