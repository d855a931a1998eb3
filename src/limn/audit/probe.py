"""What is asked: prompts with named slots, in groups, and how many pictures each of them gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from limn.kernel.errors import InputError
from limn.kernel.request import MAX_PICTURES

STRIDE = 1_000_000  # seeds kept for each ask of a probe that is not paired


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One prompt and what it stands for.

    Args:
        prompt: The words.
        slots: What the words name, by field, for example ``{"profession": "doctor"}``; a reader's fields where it
            reads them.
        group: Whose shares are compared, for example ``"doctor"`` or ``"unmarked"``.
        pair: Asks of one pair differ in one thing only, for example a homoglyph or a mark of culture.
        seed: Seed of its first picture; the probe decides if None.
    """

    prompt: str
    slots: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    pair: str = ""
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class ProbeItem:
    """One picture to be drawn.

    Args:
        ask: Place of its ask in the probe.
        take: Which of the ask's pictures it is, counted from 0.
        seed: Seed of its random stream.
    """

    ask: int
    take: int
    seed: int


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Everything an audit asks of each model.

    Args:
        asks: The prompts; none where a study looks into a model without drawing.
        each: Pictures for each ask, from 1.
        seed: First seed.
        paired: Whether every ask is drawn with the same seeds, so that pictures of two asks can be compared one by
            one; otherwise no seed is used twice.

    >>> probe = Probe(asks=(Ask(prompt="a doctor"), Ask(prompt="a cook")), each=2, seed=7, paired=True)
    >>> [(item.ask, item.take, item.seed) for item in probe.items()]
    [(0, 0, 7), (1, 0, 7), (0, 1, 8), (1, 1, 8)]
    """

    asks: tuple[Ask, ...]
    each: int = 50
    seed: int = 0
    paired: bool = False

    def __post_init__(self) -> None:
        total = self.each * len(self.asks)
        if self.each < 1 or total > MAX_PICTURES:
            raise InputError(
                f"each: {self.each} pictures for each of {len(self.asks)} asks; give 1 to {MAX_PICTURES}"
            )
        if not 0 <= self.seed < 2**62:
            raise InputError(f"seed: {str(self.seed)[:40]} is not allowed; give a whole number from 0 to 2**62")

    @property
    def total(self) -> int:
        """How many pictures are asked of each model."""
        return self.each * len(self.asks)

    def items(self) -> list[ProbeItem]:
        """Return the pictures asked for: the first of every ask, then the second, so that more only adds to them."""
        return [
            ProbeItem(ask=place, take=take, seed=self.first_seed(place) + take)
            for take in range(self.each)
            for place in range(len(self.asks))
        ]

    def first_seed(self, place: int) -> int:
        """Return the seed of the first picture of an ask."""
        own = self.asks[place].seed
        return own if own is not None else self.seed + (0 if self.paired else place * STRIDE)
