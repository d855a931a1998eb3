from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limn.text.homoglyphs import disguised, look_alikes, normalise, normalised, script_of

ATTACKS = ["ο", "о", "ه", "ㅇ"]


@pytest.mark.parametrize("letter", ATTACKS)
def test_a_look_alike_in_a_latin_word_becomes_the_latin_letter(letter: str) -> None:
    found = normalise(f"a flat icon of a d{letter}ctor with a wave b{letter}rder")
    assert found.text == "a flat icon of a doctor with a wave border"
    assert [change.was for change in found.changes] == [letter, letter]
    assert [change.word for change in found.changes] == [f"d{letter}ctor", f"b{letter}rder"]
    assert [found.text[change.place] for change in found.changes] == ["o", "o"]
    assert unicodedata.name(letter) in str(found.changes[0])


@pytest.mark.parametrize(
    "text",
    [
        "врач в очках",  # Cyrillic
        "ένας γιατρός με καπέλο",  # Greek
        "رجل وحصان",  # Arabic
        "의사와 개 ㅇㅇ",  # Korean
        "רופא עם כובע",  # Hebrew
        "医者の絵",  # Japanese
        "a photo of Москва at night",  # a whole word of another script
        "the letter ο alone",  # one letter is a word
        "bọ̀ọ̀lù ní ilé ọba",  # Yoruba
        "một bác sĩ ở bệnh viện",  # Vietnamese
        "Øresund, naïve façade, Straße",
        "Δx and 5 µm, β2, ℓ2, σx, xσ, ρV and 𝑥",  # symbols
        "kırmızı elma, sıcak çay",  # Turkish
        "say pɪktʃə",  # phonetic writing
        "Ｔシャツの写真",  # full-width letters in Japanese
        "Mосква, Bорота и Cело",  # mostly Cyrillic: the Latin capitals are the strangers
        "",
        "1234 !?",
    ],
)
def test_other_writing_stays_as_it_is(text: str) -> None:
    assert normalise(text).text == text
    assert normalise(text).changes == ()


def test_a_word_with_a_letter_that_looks_like_none_stays_whole() -> None:
    assert normalised("an apple and dοcжor") == "an apple and dοcжor"


def test_several_scripts_in_one_word_are_all_replaced() -> None:
    assert normalised("a cοmpаny рainting") == "a company painting"


def test_the_table_maps_other_letters_to_single_latin_letters() -> None:
    table = look_alikes()
    assert len(table) > 300
    assert all(len(letter) == 1 and script_of(letter) != "Latin" for letter in table)
    assert all(latin.isascii() and latin.isalpha() for latin in table.values())
    assert (table["а"], table["Α"]) == ("a", "A")
    assert "ọ" not in table


@given(st.text())
def test_any_text_keeps_its_length_and_is_done_after_once(text: str) -> None:
    once = normalise(text)
    assert len(once.text) == len(text)
    assert normalise(once.text).changes == ()
    differ = {place for place, (a, b) in enumerate(zip(text, once.text, strict=True)) if a != b}
    assert differ == {change.place for change in once.changes}


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
def test_latin_text_never_changes(text: str) -> None:
    assert normalised(text.replace("ı", "i")) == text.replace("ı", "i")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("an Ιtalian chef", "an Italian chef"),  # Greek capital iota
        ("ΙKEA and ІKEA and ӀKEA", "IKEA and IKEA and IKEA"),  # Greek, Cyrillic, palochka
        ("a ВMW and a НONDA", "a BMW and a HONDA"),  # Cyrillic capitals
        ("a ｄｏｃｔｏｒ and ＩＫＥＡ", "a doctor and IKEA"),  # full-width
        ("an 𝐨ld 𝓭𝓸𝓬𝓽𝓸𝓻, 𝔻ad and 𝙸talian", "an old doctor, Dad and Italian"),  # mathematical alphabets
        ("a ᴅoctor and a ᴘɪʟᴏᴛ", "a doctor and a pilot"),  # small capitals
        ("a pıcture of a chef", "a picture of a chef"),  # dotless i
        ("a grеen аpple оf his", "a green apple of his"),  # Cyrillic, in a word of two letters, too
        ("what tο dο", "what to do"),  # omicron in words of two letters
    ],
)
def test_case_is_kept_and_every_shape_of_a_letter_is_read(text: str, wanted: str) -> None:
    found = normalise(text)
    assert found.text == wanted
    assert all(found.text[change.place] == change.now for change in found.changes)


@pytest.mark.parametrize("letter", ATTACKS)
def test_a_disguise_is_what_the_normaliser_takes_off(letter: str) -> None:
    made = disguised("a cook of good food", letter)
    assert len(set(made)) == 7
    assert {normalised(text) for text in made} == {"a cook of good food"}


def test_nothing_to_disguise() -> None:
    assert disguised("a farmer", "ο") == ()
