"""Letters of one script inside words of another: find them, and write the word as it looks.

A word that mixes Latin letters with look-alikes from another script reads the same and means something else to a
model (Struppek et al. 2023, arXiv:2209.08891). What looks alike is the table of Unicode Technical Standard 39,
"confusables", section 4, with the case kept: the standard writes capital I as l, which only serves to compare.
Scripts are told from the names of letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_WORD = re.compile(r"[^\W\d_]+")
_LATIN = "Latin"
_SMALL_CAPITAL = "LATIN LETTER SMALL CAPITAL "
_SYMBOLS = frozenset("αγιλνρστυφχψω")
"""Greek letters that formulas use; the omicron, which looks like an o in all ways, is not among them."""
_TURKISH = re.compile(r"[ğşİçöüĞŞÇÖÜ]|ı\w*ı")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One letter that was replaced.

    Args:
        place: Where it stands in the text, counted from 0.
        was: The letter.
        now: The Latin letter in its place.
        word: The word it stood in, as it was.
    """

    place: int
    was: str
    now: str
    word: str

    def __str__(self) -> str:
        return f"{self.word!r}: {unicodedata.name(self.was, 'letter')} (U+{ord(self.was):04X}) read as {self.now!r}"


@dataclass(frozen=True, kw_only=True)
class Normalised:
    """A text with its look-alikes replaced.

    Args:
        text: What it says now.
        changes: What was replaced, in order; none where the text is as it was.
    """

    text: str
    changes: tuple[Change, ...] = ()


def normalise(text: str) -> Normalised:
    """Replace look-alikes of Latin letters in words that mix scripts, and other shapes of the Latin letters.

    A word is changed only if it has Latin letters, every other letter in it looks like one, and most letters of the
    whole text are Latin; so words of another script stay, and so do Latin letters with marks (U+1ECD is Yoruba and
    Vietnamese, not an attack) and symbols: one letter that stands alone, or a Greek one before or after a Latin one.
    Full-width letters, mathematical alphabets, small capitals and the dotless i become plain letters; the dotless i
    stays in text that has other letters or words of Turkish.

    >>> found = normalise("a d\\u03bfctor")
    >>> found.text, str(found.changes[0])
    ('a doctor', "'dοctor': GREEK SMALL LETTER OMICRON (U+03BF) read as 'o'")
    >>> normalise("доктор").changes
    ()
    """
    turkish = bool(_TURKISH.search(text))
    shapes = {k: plain for k, each in enumerate(text) if (plain := _plain(each)) and not (turkish and each == "ı")}
    scripts = [_LATIN if k in shapes else script_of(letter) for k, letter in enumerate(text)]
    latin = scripts.count(_LATIN)
    if latin <= sum(script not in ("", _LATIN) for script in scripts):
        return Normalised(text=text)
    changes = [change for word in _WORD.finditer(text) for change in _in_word(word, scripts, shapes)]
    letters = list(text)
    for change in changes:
        letters[change.place] = change.now
    return Normalised(text="".join(letters), changes=tuple(changes))


def normalised(text: str) -> str:
    """Return :func:`normalise`'s text alone, for where a function of words is wanted."""
    return normalise(text).text


def disguised(text: str, letter: str) -> tuple[str, ...]:
    """Return a text with one Latin letter replaced by a look-alike, once for each place where that can be done.

    Args:
        text: The text.
        letter: What looks like the Latin letter: one of another script, or the Latin letter with a mark.

    >>> disguised("a cook", "\u1ecd")
    ('a cọok', 'a coọk')
    """
    latin = look_alikes().get(letter) or unicodedata.normalize("NFD", letter)[0]
    return tuple(text[:k] + letter + text[k + 1 :] for k, each in enumerate(text) if each == latin)


@cache
def script_of(letter: str) -> str:
    """Return the script of a letter by its Unicode name, such as ``"Greek"``; empty for what belongs to none.

    >>> script_of("o"), script_of("\\u1ecd"), script_of("\\u043e"), script_of("7")
    ('Latin', 'Latin', 'Cyrillic', '')
    """
    name = unicodedata.name(letter, "") if letter.isalpha() else ""
    if "LATIN" in name:
        return _LATIN
    known = letter in look_alikes() or " LETTER " in name or " SYLLABLE " in name or "IDEOGRAPH" in name
    return name.split()[0].title() if known else ""


@cache
def look_alikes() -> Mapping[str, str]:
    """Return the Latin letter that each letter of another script looks like."""
    lines = Path(__file__).with_suffix(".txt").read_text("utf-8").splitlines()
    rows = (line.split() for line in lines if not line.startswith("#"))
    return {chr(int(code, 16)): latin for latin, *codes in rows for code in codes}


@cache
def _plain(letter: str) -> str:
    """Return the plain letter of which one is another shape, or nothing.

    >>> _plain("\uff29"), _plain("\U0001d428"), _plain("\u1d05"), _plain("\u0131"), _plain("\u00e9")
    ('I', 'o', 'd', 'i', '')
    """
    if letter.isascii():
        return ""
    *_, last = unicodedata.name(letter, "none").split()
    if unicodedata.decomposition(letter).startswith(("<font>", "<wide>")):
        plain = unicodedata.normalize("NFKC", letter)
    else:
        plain = "i" if letter == "ı" else last.lower() if _SMALL_CAPITAL in unicodedata.name(letter, "") else ""
    return plain if len(plain) == 1 and plain.isascii() and plain.isalpha() else ""


def _in_word(word: re.Match[str], scripts: list[str], shapes: Mapping[int, str]) -> list[Change]:
    """Return what is replaced in one word."""
    places = range(word.start(), word.end())
    strange = [place for place in places if scripts[place] != _LATIN]
    known = look_alikes()
    whole = all(word.string[place] in known for place in strange)
    symbol = len(places) == 1 or (len(places) == 2 and any(word.string[k] in _SYMBOLS for k in strange))
    if not whole or symbol or len(strange) == len(places):
        return []
    new = {k: _cased(word.string[k], known[word.string[k]]) for k in strange}
    new |= {k: shapes[k] for k in places if k in shapes}
    phonetic = any(unicodedata.name(word.string[k], "").startswith("LATIN LETTER SMALL CAP") for k in places)
    if phonetic and not all(k in new or word.string[k].isascii() for k in places):
        return []  # a word of phonetic writing
    return [Change(place=k, was=word.string[k], now=new[k], word=word.group()) for k in sorted(new)]


def _cased(letter: str, latin: str) -> str:
    """Return the Latin letter in the case of what looks like it."""
    return "I" if latin == "l" and letter.isupper() else latin
