from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from limn.kernel.errors import InputError, WeightsError
from limn.networks.token_embeddings import LIMIT, TokenVectors

WORDS = TokenVectors()
FOLDER = Path(__file__).parents[2] / "src/limn/weights/text"
VOCABULARY: dict[str, int] = json.loads((FOLDER / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]

anything = st.text(st.characters(exclude_categories=()), max_size=120)  # lone surrogates and NUL as well
latin = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), max_size=60)


def word_pieces(text: str) -> list[int]:
    """WordPiece by the book, for ASCII: the longest piece of the vocabulary first."""
    ids = []
    for word in re.findall(r"[a-z0-9]+|[^a-z0-9\s]", text.lower()):
        start, pieces = 0, []
        while start < len(word):
            ends = range(len(word), start, -1)
            end = next((e for e in ends if "##" * bool(start) + word[start:e] in VOCABULARY), 0)
            if not end:
                pieces = ["[UNK]"]
                break
            pieces.append("##" * bool(start) + word[start:end])
            start = end
        ids += [VOCABULARY[piece] for piece in pieces]
    return ids


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_tokens_are_greedy_word_pieces(text: str) -> None:
    assert WORDS.ids([text])[0].tolist() == [word_pieces(text)[:LIMIT] or [VOCABULARY["[CLS]"]]]


@given(anything, st.integers(1, 60))
def test_any_text_gives_finite_vectors_and_true_spans(text: str, limit: int) -> None:
    ids, mask = WORDS.ids([text], limit=limit)
    spans = WORDS.spans(text, limit=limit)
    assert mask.all()
    assert 1 <= ids.shape[1] == len(spans) <= limit
    assert torch.isfinite(WORDS.vectors(ids)).all()
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(st.lists(anything, min_size=1, max_size=6))
def test_a_batch_equals_its_texts_one_by_one(texts: list[str]) -> None:
    vectors, mask = WORDS(texts)
    assert mask.any(dim=1).all()
    assert torch.equal(mask.long().cummin(dim=1).values, mask.long())  # padding is at the end
    assert vectors[~mask].count_nonzero() == 0
    for text, row, kept in zip(texts, vectors, mask, strict=True):
        assert torch.equal(row[kept], WORDS([text]).vectors[0])


@given(anything, st.integers(2, 8))
def test_the_limit_keeps_the_first_tokens_and_says_so(text: str, limit: int) -> None:
    whole = WORDS.ids([text], limit=1000)[0]
    assert torch.equal(WORDS.ids([text], limit=limit)[0], whole[:, :limit])
    assert WORDS.spans(text, limit=limit) == WORDS.spans(text, limit=1000)[:limit]
    assert WORDS.cut([text], limit=limit) == [whole.shape[1] > limit]


@given(latin)
def test_case_accents_and_composition_do_not_count(text: str) -> None:
    ids = WORDS.ids([text])[0]
    assert torch.equal(ids, WORDS.ids([unicodedata.normalize("NFC", text)])[0])
    assert torch.equal(ids, WORDS.ids([unicodedata.normalize("NFD", text)])[0])
    assert WORDS.ids(["A CAFÉ"])[0].tolist() == WORDS.ids(["a cafe"])[0].tolist()


@pytest.mark.parametrize("text", ["", " \n\t", "\0", "\u200d\ufe0f"])
def test_a_text_without_tokens_is_one_placeholder(text: str) -> None:
    ids, mask = WORDS.ids([text])
    assert ids.tolist() == [[VOCABULARY["[CLS]"]]]
    assert mask.tolist() == [[True]]
    assert WORDS.spans(text) == [(0, 0)]


@pytest.mark.parametrize("text", ["x" * 10**6, "word " * 200_000, "🦄" * 250_000, " " * 10**6, "\ud800" * 10**6])
def test_a_megabyte_is_read_only_as_far_as_the_limit_needs(text: str) -> None:
    assert WORDS.cut([text]) == [True]
    assert torch.equal(WORDS.ids([text])[0], WORDS.ids([text[: 64 * LIMIT]])[0])


@pytest.mark.parametrize("text", ["🦄", "日本語", "привет", "ಠ_ಠ", "\ud800", "x" * 200])
def test_other_scripts_and_unknown_words_keep_a_token(text: str) -> None:
    assert WORDS.vectors(WORDS.ids([text])[0]).abs().sum() > 0


def test_the_tokenizers_own_markers_are_plain_words() -> None:
    ids = WORDS.ids(["[PAD] [CLS] [UNK] [MASK]"])[0]
    markers = {VOCABULARY[f"[{name}]"] for name in ("PAD", "CLS", "SEP", "UNK", "MASK")}
    assert not markers & set(ids.flatten().tolist())


def test_spans_name_the_characters_of_the_prompt_as_written() -> None:
    text = "Two  RÉD hearts\0 🦄 firefighters!"
    pieces = [text[start:end] for start, end in WORDS.spans(text)]
    assert pieces == ["Two", "RÉD", "hearts", "🦄", "firefighters", "!"]


def test_no_texts_give_no_rows() -> None:
    vectors, mask = WORDS([])
    assert vectors.shape == (0, 1, WORDS.width)
    assert mask.shape == (0, 1)


def test_order_is_kept_in_the_sequence_and_lost_in_the_mean() -> None:
    (one, other), _ = WORDS(["red circle blue square", "blue circle red square"])
    assert not torch.equal(one, other)
    torch.testing.assert_close(one.mean(0), other.mean(0))


def test_the_table_is_scaled_for_a_network() -> None:
    assert WORDS.table.shape == (len(VOCABULARY), WORDS.width)
    assert WORDS.table.dtype == torch.float32
    torch.testing.assert_close(WORDS.table.square().mean(), torch.tensor(1.0), rtol=1e-3, atol=0)
    assert WORDS.table[0].count_nonzero() == 0


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_without_room_is_refused(limit: int) -> None:
    with pytest.raises(InputError, match="limit"):
        WORDS.ids(["a"], limit=limit)


def test_learned_words_stand_for_their_vectors_and_the_table_stays() -> None:
    zorp, blick = torch.randn(2, WORDS.width).requires_grad_(True), torch.randn(1, WORDS.width)
    taught = WORDS.knowing({"<zorp>": zorp}).knowing({"blick": blick})
    text = "A <Zorp>, a blick and blicks"
    assert [text[a:b] for a, b in taught.spans(text)][:6] == ["A", "<Zorp>", "<Zorp>", ",", "a", "blick"]
    ids, mask = taught.ids([text, "a cat"])
    size = len(WORDS.table)
    assert [int(own) - size for own in ids[0] if own >= size] == [0, 1, 2], "only whole words are learned ones"
    vectors = taught.vectors(ids)
    assert torch.equal(vectors[0, 1:3], zorp.detach())
    assert torch.equal(vectors[0, 5:6], blick)
    assert torch.equal(vectors[1][mask[1]].detach(), WORDS(["a cat"]).vectors[0])
    (slope,) = torch.autograd.grad(vectors.sum(), zorp)
    assert torch.equal(slope, torch.ones_like(zorp))
    assert not taught.table.requires_grad
    assert torch.equal(WORDS.ids([text])[0], TokenVectors().ids([text])[0]), "what was taught beside does not stay"
    assert taught.cut(["<zorp> <zorp>"], limit=3) == [True]
    assert taught.ids(["<zorp> <zorp>"], limit=3)[0].tolist() == [[size, size + 1, size]]


def damaged(folder: Path, vectors: bytes | dict[str, torch.Tensor] | None) -> TokenVectors:
    (folder / "tokenizer.json").write_bytes((FOLDER / "tokenizer.json").read_bytes())
    if isinstance(vectors, dict):
        save_file(vectors, folder / "vectors.safetensors")
    elif vectors is not None:
        (folder / "vectors.safetensors").write_bytes(vectors)
    return TokenVectors(folder)


SIZE = len(VOCABULARY)
CODES, SCALE = torch.ones(SIZE, 4, dtype=torch.int8), torch.ones(SIZE, 1)


@pytest.mark.parametrize(
    "vectors",
    [
        None,
        b"",
        (FOLDER / "vectors.safetensors").read_bytes()[:1000],
        b"\x80\x04\x95 a pickle",
        {"codes": CODES},
        {"codes": CODES[:-1], "scale": SCALE},
        {"codes": CODES, "scale": SCALE[:, 0]},
        {"codes": CODES.float(), "scale": SCALE},
        {"codes": CODES, "scale": SCALE * float("nan")},
    ],
    ids=["missing", "empty", "truncated", "pickle", "no scale", "short", "flat", "float codes", "nan"],
)
def test_damaged_vectors_are_named(tmp_path: Path, vectors: bytes | dict[str, torch.Tensor] | None) -> None:
    with pytest.raises(WeightsError, match=r"vectors\.safetensors"):
        damaged(tmp_path, vectors)(["a red heart"])


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"model": null}'])
def test_a_damaged_tokenizer_is_named(tmp_path: Path, text: str | None) -> None:
    words = damaged(tmp_path, {"codes": CODES, "scale": SCALE})
    if text is None:
        (tmp_path / "tokenizer.json").unlink()
    else:
        (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(WeightsError, match=r"tokenizer\.json"):
        words(["a red heart"])
