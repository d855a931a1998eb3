"""Choices in a prompt: ``{red|blue}`` and ``__animal__``, decided anew for each picture by its seed.

One of the pieces between bars is taken; ``__name__`` is one line of ``name.txt``. Choices may stand within choices.
Nothing is listed in full: a prompt may have more meanings than could ever be drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from limn.io.files import read_bounded
from limn.io.targets import check_name
from limn.kernel.errors import InputError, unknown_name
from limn.kernel.prompt import MAX_CHARACTERS

SHIPPED: Final = Path(__file__).with_name("wildcards")
"""The folder of the lists that limn brings."""

MAX_LIST: Final = 2**20  # bytes of a list
MAX_CHOICES: Final = 1000  # of a prompt
MAX_DEPTH: Final = 50  # of lists within lists
_CHOICE: Final = re.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")  # an innermost one
_NAME: Final = re.compile(r"__([A-Za-z0-9][A-Za-z0-9-]*(?:_[A-Za-z0-9-]+)*)__")


def has_choices(text: str) -> bool:
    """Say whether a prompt leaves something to be decided.

    >>> has_choices("a {red|blue} heart"), has_choices("__animal__"), has_choices("a {heart}")
    (True, True, False)
    """
    return bool(_CHOICE.search(text) or _NAME.search(text))


def decide(text: str, seed: int, folders: Sequence[Path] = (SHIPPED,)) -> str:
    """Return a prompt with every choice made; the same seed makes the same ones.

    Args:
        text: The prompt.
        seed: Of the picture.
        folders: Where lists are looked for, in order.

    Raises:
        InputError: If a list is missing, empty or leads back to itself, or there are too many choices.

    >>> decide("a {red} {big|big} heart", 1)
    'a {red} big heart'
    """
    return _Choosing(seed, folders).of(text, ())


def names(folders: Sequence[Path] = (SHIPPED,)) -> list[str]:
    """Return the names of the lists in folders."""
    return sorted({path.stem for folder in folders for path in folder.glob("*.txt")})


class _Choosing:
    """The choices of one picture."""

    def __init__(self, seed: int, folders: Sequence[Path]) -> None:
        self.random, self.folders, self.count = Random(seed), folders, 0
        self.lists: dict[str, list[str]] = {}

    def of(self, text: str, within: tuple[str, ...]) -> str:
        """Make the choices of a text that stands within lists of these names."""
        while match := _CHOICE.search(text) or _NAME.search(text):
            self.count += 1
            if self.count > MAX_CHOICES or len(text) > MAX_CHARACTERS or len(within) > MAX_DEPTH:
                raise InputError(
                    f"prompt: has more than {MAX_CHOICES} choices or {MAX_CHARACTERS:,} characters; leave some out"
                )
            among = match.re is _CHOICE
            piece = self.random.choice(match[1].split("|")) if among else self._line(match[1], within)
            text = text[: match.start()] + piece + text[match.end() :]
        return text

    def _line(self, name: str, within: tuple[str, ...]) -> str:
        if name in within:
            way = " -> ".join(f"__{part}__" for part in (*within[within.index(name) :], name))
            raise InputError(f"prompt: {way} leads back to itself; change the list {name}.txt")
        lines = self.lists.setdefault(name, []) or self._read(name)
        return self.of(self.random.choice(lines), (*within, name))

    def _read(self, name: str) -> list[str]:
        check_name(name, "wildcard")
        path = next((path for folder in self.folders if (path := folder / f"{name}.txt").is_file()), None)
        if path is None:
            raise unknown_name("wildcard", name, names(self.folders))
        try:
            text = read_bounded(path, MAX_LIST, "split it", error=InputError).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{path}: is not UTF-8; save it so") from None
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            raise InputError(f"{path}: is empty; write one choice a line")
        self.lists[name] = lines
        return lines
