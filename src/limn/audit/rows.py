"""A row of a table: what was asked, what drew the picture, and what readers say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from limn.audit.probe import Ask, ProbeItem
from limn.audit.readers.reader import Confusion, Reading

REFUSED = "refused: "
"""How the flaw of a picture begins that a model, or what stands before it, declined to draw: an answer, and kept."""

MAJORITY = "labels"
"""The reader that says what most labellers say; a tie is unreadable."""


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """What drew the pictures.

    Args:
        name: As it is called in rows.
        hashes: SHA-256 of weights and files, by name.
        settings: JSON-ready; what decides a picture beside prompt and seed.
        reads_slots: Whether pictures depend on slots beside the words.
    """

    name: str
    hashes: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    reads_slots: bool = False


@dataclass(frozen=True, kw_only=True)
class ReaderFacts:
    """What read the pictures.

    Args:
        name: As it is called in rows.
        version: Of its weights or rules.
        threshold: Below which confidence a field is unreadable.
        fields: The values of each field; none for numbers.
        confusion: How it errs, by field, where that was counted.
        weights: SHA-256 of what it has learned, or of its code.
        scored: Fields that were decided by a score, which is kept.
        below: What these are below the threshold; unreadable unless said.
    """

    name: str
    version: str = ""
    threshold: float = 0.0
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    confusion: Mapping[str, Confusion] = field(default_factory=dict)
    weights: str = ""
    scored: tuple[str, ...] = ()
    below: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One picture.

    Args:
        key: Hash of all that decides it: words, seed, settings and weights.
        source: What drew it.
        ask: Place of its ask in the probe.
        take: Which of the ask's pictures it is.
        prompt: The words.
        slots: What the words name.
        group: Whose shares it counts for.
        pair: Its pair.
        seed: Of its random stream.
        file: Its PNG, below the audit's folder; empty when it is in memory or was not drawn.
        sha256: Of its pixels; empty when it was not drawn.
        flaw: Why there is no picture; empty when there is one.
        readings: By reader.
    """

    key: str
    source: str
    ask: int
    take: int
    prompt: str
    slots: Mapping[str, str]
    group: str
    pair: str
    seed: int
    file: str = ""
    sha256: str = ""
    flaw: str = ""
    readings: Mapping[str, Reading] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str, item: ProbeItem, ask: Ask, **given: Any) -> Row:
        """Return the row of one picture of a probe."""
        return cls(
            source=source, ask=item.ask, take=item.take, seed=item.seed,
            prompt=ask.prompt, slots=ask.slots, group=ask.group, pair=ask.pair, **given,
        )  # fmt: skip

    @property
    def drawn(self) -> bool:
        """Whether there is a picture."""
        return bool(self.sha256)

    @property
    def refused(self) -> bool:
        """Whether the model answered that it does not draw this."""
        return self.flaw.startswith(REFUSED)
