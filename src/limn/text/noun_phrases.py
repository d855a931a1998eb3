"""Noun phrases of an English text: ``a red heart``, ``two small dogs``."""

from __future__ import annotations

import importlib
import importlib.util
import re
from functools import cache, lru_cache
from typing import Any, Literal

from limn.kernel.errors import InputError
from limn.text.spans import Span

Parser = Literal["rules", "spacy"]

_MODEL = "en_core_web_sm"
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_OPENING = """
    a an the this that these those my your his her its our their some any no every each another one two three
    four five six seven eight nine ten eleven twelve several many few both
"""
_ENDING = """
    about above across after against along amid among and around as at atop away because before behind below
    beneath beside besides between beyond but by down during except for from in inside into like near next nor
    of off on onto opposite or out outside over past per since so than then through throughout to together
    toward towards under underneath until up upon via versus while with within without yet who whom whose which
    where when what why how if not i me you he him she it we us they them there here is am are was were be been
    being has have had having do does did can could will would shall should may might must wears holds sits
    stands lies runs rides plays eats looks shows makes contains
"""
_OPENS, _ENDS = frozenset(_OPENING.split()), frozenset(_ENDING.split())

CLOSED = _OPENS | _ENDS
"""Words of grammar."""


def best_parser() -> Parser:
    """Return ``spacy`` where it and its English model are installed, ``rules`` elsewhere."""
    installed = all(importlib.util.find_spec(name) is not None for name in ("spacy", _MODEL))
    return "spacy" if installed else "rules"


def noun_phrases(text: str, parser: Parser = "rules") -> tuple[Span, ...]:
    """Find the noun phrases of two words or more.

    The rules know closed classes of words only: a phrase starts anew at an article, number or possessive, and ends
    at a preposition, conjunction, pronoun, auxiliary or mark, and at a word that leads on, as in *a man riding a
    horse* and *a circle left of a square*. They take a step for each word.

    Args:
        text: An English text; in other languages whatever stands between marks counts as a phrase.
        parser: ``rules``, or ``spacy``, which must be installed with its model ``en_core_web_sm``.

    Returns:
        (start, end) characters of each phrase, in order; they do not overlap.

    Raises:
        InputError: spaCy is asked for and not installed.

    >>> noun_phrases("a red heart and the small dogs on grass")
    ((0, 11), (16, 30))
    """
    return _by_rules(text) if parser == "rules" else _by_spacy(text)


def _by_rules(text: str) -> tuple[Span, ...]:
    phrases: list[Span] = []
    words: list[re.Match[str]] = []
    matches = list(_WORD.finditer(text))

    def close() -> None:
        if len(words) > 1:
            phrases.append((words[0].start(), words[-1].end()))
        words.clear()

    for place, match in enumerate(matches):
        word = match[0].lower()
        after = matches[place + 1][0].lower() if place + 1 < len(matches) else ""
        if words and text[words[-1].end() : match.start()].strip():
            close()
        named = bool(words) and words[-1][0].lower() not in _OPENS
        if word in _ENDS or (named and _leads_on(word, after)):
            close()
            continue
        if named and word in _OPENS:
            close()
        words.append(match)
    close()
    return tuple(phrases)


def _leads_on(word: str, after: str) -> bool:
    """Say whether a word after a noun leads to another: ``riding`` before ``a horse``, ``left`` before ``of``."""
    verb = len(word) > 4 and word.endswith("ing") and (after in _OPENS or after in _ENDS)
    return verb or (word in ("left", "right", "front", "top", "full", "made") and after == "of")


@cache
def _spacy() -> Any:
    """Return spaCy's English pipeline."""
    try:
        return importlib.import_module("spacy").load(_MODEL)
    except (ImportError, OSError):
        message = f"parser: spacy or its model {_MODEL} is not installed; install both, or write parser=rules"
        raise InputError(message) from None


@lru_cache(maxsize=256)
def _by_spacy(text: str) -> tuple[Span, ...]:
    chunks = ((chunk.start_char, chunk.end_char) for chunk in _spacy()(text).noun_chunks)
    return tuple((start, end) for start, end in chunks if len(_WORD.findall(text[start:end])) > 1)
