"""Guidance: which questions are asked at a step, and how the answers are folded into one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from limn.kernel.branch import Branches
from limn.kernel.errors import InputError
from limn.kernel.registry import Part
from limn.kernel.step import Step

Predictions = dict[str, Tensor]
"""Answers by the name of their branch, each (pictures, ...)."""


class Rank(IntEnum):
    """When a guidance takes its turn; a list written in any order is sorted by it.

    READ settles what the prompt's text is, REFINE what its answer is, AMPLIFY strengthens that, NUDGE pulls it
    elsewhere, CONSTRAIN keeps it natural, BOUND keeps it in range. WEIGHTS says which weights answer, whoever asks:
    it takes its turn after all others when questions are asked, and before them when answers are folded.
    """

    WEIGHTS = -1
    READ = 0
    REFINE = 1
    AMPLIFY = 2
    NUDGE = 3
    CONSTRAIN = 4
    BOUND = 5


class Guidance(Part):
    """Base of every steering method; a subclass is a frozen dataclass in a file of its own name.

    ``rank`` says when it takes its turn, ``space`` in which space :meth:`combine` works: ``"clean"``, ``"noise"``,
    ``"logits"``, or ``"any"`` for methods that are the same in all of them. Of the guidances with one ``slot`` only
    one can be used: they are different answers to the same question; ``off`` is the scale at which they do nothing.
    State over steps goes to ``step.memory``, never on the object.
    """

    rank: ClassVar[Rank] = Rank.AMPLIFY
    space: ClassVar[str] = "clean"
    slot: ClassVar[str] = ""
    off: ClassVar[float] = 1.0

    @property
    def adaptive(self) -> bool:
        """Whether :meth:`expand` looks at ``step.picture``, so that pictures may ask different questions."""
        return False

    @property
    def reads_pictures(self) -> bool:
        """Whether it looks at the pictures of prompts."""
        return any(part.reads_pictures for part in self.parts)

    @property
    def parts(self) -> tuple[Guidance, ...]:
        """Guidances among its options, and among theirs."""
        own = (getattr(self, field.name) for field in fields(self))
        return tuple(inner for part in own if isinstance(part, Guidance) for inner in (part, *part.parts))

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of files whose content decides the picture; a request records their hashes.

        What is shipped with limn is named from the package on, ``limn:weights/...``, wherever that is installed.
        """
        return tuple(path for part in self.parts for path in part.files)

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of the other models that it asks; a request records the hashes of their weights."""
        return tuple(name for part in self.parts for name in part.adapters)

    def check(self, name: str, low: int, high: int) -> None:
        """Refuse an option that is not a number from ``low`` to ``high``."""
        value = getattr(self, name)
        if not low <= value <= high:
            raise InputError(f"{name}: {value} is not allowed; give a number from {low} to {high:,}")

    @staticmethod
    def check_levels(low: float, high: float | None) -> None:
        """Refuse options ``low`` and ``high``, of noise over signal, between which nothing lies."""
        if not 0 <= low < (math.inf if high is None else high):
            raise InputError(f"low: {low} is not allowed; give noise over signal from 0 to less than high")

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Return the questions of one picture, with more added or some rewritten.

        A branch that one picture asks for and another does not is answered for the other as its ``"main"``.

        Args:
            branches: Questions so far, ``"main"`` among them; ``"null"`` is the one without words, shared by all
                guidances that need it.
            step: Where the walk stands.
        """
        return branches

    def combine(self, predictions: Predictions, step: Step) -> Predictions:
        """Return the answers with ``"main"`` folded anew.

        Args:
            predictions: Answers (pictures, ...) by branch name, in this guidance's space. From rank AMPLIFY on,
                ``"base"`` is what ``"main"`` was after REFINE; a guidance that amplifies adds to ``"main"`` what
                it works out from ``"base"``, so that several of them add up in any order.
            step: Where the walk stands.
        """
        return predictions


def hashes(guidances: Iterable[Guidance]) -> dict[str, str]:
    """Return the SHA-256 of each file that guidances read, by its path.

    Raises:
        InputError: If a file cannot be read.
    """
    digests = {}
    for path in sorted({path for guidance in guidances for path in guidance.files}):
        within = path.removeprefix("limn:")
        try:
            where = Path(path).expanduser() if within == path else Path(__file__).parents[1] / within
            if where.exists() and not where.is_file():
                raise InputError(f"{path[:200]!r}: is not a regular file; name a file")
            with where.open("rb") as file:
                digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no file can be called so"
            raise InputError(f"{path[:200]!r}: cannot be read ({why}); name a file that is there") from None
    return digests
