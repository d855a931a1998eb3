"""Words are found where they stand, with the tokens that stand for them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from limn.networks.token_embeddings import TokenVectors
from limn.text.spans import occurrences, tokens_of


def test_whole_words_come_first() -> None:
    assert occurrences("heart", "a heart, hearts and a heart") == [(2, 7), (22, 27)]
    assert occurrences("a.c", "abc a.c") == [(4, 7)]
    assert occurrences("心", "一颗红心") == [(3, 4)]
    assert occurrences("dog", "a cat") == occurrences("", "a cat") == []


@given(words=st.text(max_size=6), before=st.text(max_size=8), after=st.text(max_size=8))
def test_every_occurrence_reads_as_the_words(words: str, before: str, after: str) -> None:
    text = before + words + after
    found = occurrences(words, text)
    assert bool(found) == bool(words)
    assert all(text[start:end] == words for start, end in found)


def test_tokens_of_words() -> None:
    text = "two firefighters and a red heart"
    spans = TokenVectors().spans(text)
    for words in ("two", "firefighters", "red heart"):
        (span,) = occurrences(words, text)
        assert " ".join(text[slice(*spans[place])] for place in tokens_of(span, spans)) == words
    assert tokens_of((0, 3), [(0, 0), (0, 0)]) == []
