"""Coarse tokens before the words: where they stand, what they say, and that they stay when the text is dropped."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from limn.encoders.coarse import GIVEN, PLACES, CoarseEncoder, before
from limn.encoders.prompt import PromptEncoder
from limn.kernel.encodings import Encodings
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.networks.token_embeddings import TokenVectors
from limn.networks.transformer import places


class Corners:
    """Four codes: the unit vectors of the plane."""

    def vectors(self, ids: Tensor) -> Tensor:
        return torch.tensor([[1.0, 0], [0, 1], [-1, 0], [0, -1]])[ids]


@pytest.fixture(scope="module")
def encoder() -> CoarseEncoder:
    return CoarseEncoder(PromptEncoder(TokenVectors(), limit=6), Corners(), tokens=4, side=4)


def ask(text: str, ids: list[int], *drop: str) -> Ask:
    return Ask(Prompt(text), frozenset(drop), {GIVEN: torch.tensor(ids)})


def test_tokens_and_words_stand_in_dimensions_of_their_own(encoder: CoarseEncoder) -> None:
    found = encoder.encode([ask("a red circle", [0, 1, 2, 3])])
    words = encoder.words.encode([Ask(Prompt("a red circle"))])
    width = words.tokens.shape[2]
    assert found.tokens.shape == (1, 4 + words.tokens.shape[1], width + 2 + PLACES)
    assert torch.equal(found.tokens[:, 4:, :width], words.tokens)
    assert not found.tokens[:, 4:, width:].any()
    assert not found.tokens[:, :4, :width].any()
    assert torch.equal(found.tokens[0, :4, width : width + 2], 8 * Corners().vectors(torch.arange(4)))
    assert found.mask.all()


def test_a_place_is_the_middle_of_the_finer_places_under_it() -> None:
    vectors, _ = before(torch.ones(1, 4, 1), torch.zeros(1, 0, 3), torch.zeros(1, 0, dtype=torch.bool), side=4)
    block = places(4, PLACES)[2:, :2].mean((0, 1))  # the lower left quarter
    torch.testing.assert_close(vectors[0, 2, 4:], 8 * block / block.norm())


def test_dropping_the_text_keeps_the_tokens(encoder: CoarseEncoder) -> None:
    found = encoder.encode([ask("a red circle", [3, 2, 1, 0], "text")])
    assert found.mask[0, :4].all()
    assert not found.mask[0, 4:].any()
    assert torch.equal(found.tokens[0, :4], encoder.encode([ask("", [3, 2, 1, 0])]).tokens[0, :4])


def test_pictures_are_told_apart_by_their_tokens_and_spans_count_them(encoder: CoarseEncoder) -> None:
    kept = Encodings(encoder)
    found = kept.encode([ask("a circle", [0] * 4), ask("a circle", [1] * 4), ask("", [1] * 4, "text")])
    assert not torch.equal(found.tokens[0], found.tokens[1])
    assert torch.equal(found.tokens[1, :4], found.tokens[2, :4])
    spans = kept.spans("a circle")
    assert spans[:4] == [(0, 0)] * 4
    assert "a circle"[slice(*spans[-1])].strip() == "circle"
    assert encoder.unread("one two three four five six seven eight").endswith("eight")
