"""Words for the values of fields, from a small TOML or JSON file: what readers by words are told to look for."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.readers.reader import Reader, Reading
from limn.io.configurations import read_toml
from limn.io.files import read_bounded
from limn.kernel.errors import InputError

NOTHING = ""
"""The name of phrases that stand for "none of these": where they win, the field is unreadable."""

QUESTION = "question"
"""The key of a field's question, for readers that are asked one."""

Phrases = dict[str, dict[str, list[str]]]
FORM = '[gender], woman = ["a woman"], man = ["a man"]'


@dataclass(frozen=True, kw_only=True)
class ByWords(Reader):
    """Base of readers that are told in words what to look for.

    Args:
        model: What reads.
        phrases: A file of words, or JSON itself.
        threshold: Score of the best value below which a field is unreadable, from 0 to 1.

    Raises:
        InputError: The threshold is out of range.
    """

    main: ClassVar[str] = "phrases"
    kind: ClassVar[str]
    """The name under which it is registered."""

    model: str
    phrases: str
    threshold: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise InputError(f"threshold: {self.threshold} is not allowed; give 0 to 1")

    @property
    @abstractmethod
    def words(self) -> Phrases:
        """The words of each value of each field."""

    @property
    def name(self) -> str:
        """The model, and the file of words where there is one."""
        file = "" if self.phrases.strip()[:1] in ("", "{") else f":{Path(self.phrases).stem}"
        return f"{self.kind}:{Path(self.model).name}{file}"

    @property
    def scored(self) -> tuple[str, ...]:
        """All fields."""
        return tuple(self.words)

    @property
    def fields(self) -> Mapping[str, tuple[str, ...]]:
        """As the words say."""
        return {name: tuple(value for value in values if value != NOTHING) for name, values in self.words.items()}


def read_phrases(
    text: str, usual: Mapping[str, Mapping[str, Sequence[str]]], *, asked: bool = False
) -> tuple[Phrases, dict[str, str]]:
    """Return the phrases of each value of each field, and the question of each field.

    Args:
        text: A TOML or JSON file, or JSON itself; ``usual`` if empty.
        usual: What is used where nothing is given.
        asked: Whether each field needs a question; otherwise none may have one.

    Raises:
        InputError: If it cannot be read, a value has no phrases, a field has one value, or a question is missing.
    """
    given = _given(text.strip()) if text.strip() else usual
    fields: Phrases = {}
    questions: dict[str, str] = {}
    for name, values in given.items():
        if not isinstance(values, Mapping):
            raise InputError(f"phrases: {name} has no values; write {FORM}")
        questions |= {name: str(values[QUESTION])} if QUESTION in values else {}
        fields[str(name)] = {
            str(value): _checked(name, value, words) for value, words in values.items() if value != QUESTION
        }
        if asked != (name in questions):
            raise InputError(
                f"phrases: {name} has {'no question; add one' if asked else 'a question, for vqa; leave it out'}"
            )
        if len([value for value in fields[name] if value != NOTHING]) < 2 and NOTHING not in fields[name]:
            raise InputError(f'phrases: {name} has one value; give two, or the value "" for none of these')
    if not fields:
        raise InputError(f"phrases: names no field; write {FORM}")
    return fields, questions


def likeliest(shares: Mapping[str, NDArray[np.float64]], phrases: Phrases, threshold: float) -> list[Reading]:
    """Return readings by the value of the highest score; unreadable below the threshold, or where it is NOTHING.

    Args:
        shares: Scores (pictures, values) of each field, from 0 to 1.
        phrases: The values of each field, in this order.
        threshold: The least score.
    """
    columns = {name: [list(phrases[name])[k] for k in share.argmax(1)] for name, share in shares.items()}
    scores = {name: share.max(1) for name, share in shares.items()}
    return [
        Reading(
            values={
                n: None if best[k] == NOTHING or scores[n][k] < threshold else best[k] for n, best in columns.items()
            },
            confidence={name: float(score[k]) for name, score in scores.items()},
            likely={name: best[k] for name, best in columns.items()},
        )
        for k in range(len(next(iter(scores.values()))))
    ]


def _checked(name: str, value: str, words: Any) -> list[str]:
    if not isinstance(words, Sequence) or isinstance(words, str) or not all(isinstance(word, str) for word in words):
        raise InputError(f"phrases: {name}, {value!r}: cannot be read; give a list of phrases, as in {FORM}")
    if not all(word.strip() for word in words) or not words:
        raise InputError(f"phrases: a value of {name} has no phrases; give at least one")
    return list(words)


def _given(text: str) -> Mapping[str, Any]:
    path = Path(text).expanduser()
    if not text.startswith("{"):
        if not path.is_file():
            raise InputError(f"phrases: {text[:60]!r} is no file; give a TOML or JSON file, or JSON")
        if path.suffix.lower() == ".toml":
            return read_toml(path)
        text = read_bounded(path, 2**20, "shorten it", error=InputError).decode("utf-8", "replace")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f'phrases: cannot be read ({error}); write {{"field": {{"value": ["phrase"]}}}}') from None
    if not isinstance(given, dict):
        raise InputError('phrases: cannot be read (no object); write {"field": {"value": ["phrase"]}}')
    return given
