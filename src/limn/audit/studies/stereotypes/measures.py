"""Shares beside references: slopes, amplification, what persists under counter-prompts, and the nearest place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from limn.audit.features import features
from limn.audit.group_shares import GroupShare, group_share
from limn.audit.reference.captions import Shown
from limn.audit.statistics.clustered import clustered_mean
from limn.audit.statistics.discrepancy import closer, nearest_set
from limn.audit.statistics.estimate import Estimate, Share
from limn.audit.statistics.inequality import total_variation
from limn.audit.statistics.measurement_error import corrected_mean
from limn.audit.statistics.multiple_testing import Adjusted, benjamini_hochberg
from limn.audit.statistics.shares import persistence
from limn.audit.statistics.slopes import logit_slope
from limn.audit.table import Account, Table

DRAWS = 500

Reference = Callable[[str], float | None]
"""Share of the value that is counted, by concept; None where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class ConceptShares:
    """One model's shares of one value, concept by concept, beside a reference and the training captions.

    Args:
        model: Its name.
        shares: By concept, in the order asked.
        alike: The same among the values that the reference knows, to compare with it.
        reference: Share in the reference, None where it does not say.
        trained: Share among training captions that do not say it, None where there are none.
        named: Share among all training captions of the concept.
        among: The values that the reference knows; all if empty.
    """

    model: str
    shares: tuple[GroupShare, ...]
    alike: tuple[GroupShare, ...]
    reference: tuple[float | None, ...]
    trained: tuple[float | None, ...]
    named: tuple[float | None, ...]
    among: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        table: Table,
        model: str,
        field: str,
        value: str,
        reference: Reference,
        training: Mapping[str, Shown],
        among: Sequence[str] = (),
    ) -> ConceptShares:
        """Count one model's pictures of all concepts in a table; a reference knows the values ``among``, or all."""
        concepts = table.distinct("concept")
        captions = [training.get(name, Shown()) for name in concepts]
        parts = {name: table.of(model=model, concept=name) for name in concepts}
        shares = tuple(group_share(part, field, value, name=name) for name, part in parts.items())
        alike = (group_share(part, field, value, among=among, name=name) for name, part in parts.items())
        return cls(
            model=model,
            shares=shares,
            alike=tuple(alike) if among else shares,
            reference=tuple(reference(name) for name in concepts),
            trained=tuple(shown.unmarked.get(value, 0.0) if shown.unmarked else None for shown in captions),
            named=tuple(shown.all.get(value, 0.0) if shown.all else None for shown in captions),
            among=tuple(among),
        )

    @property
    def marks(self) -> tuple[float | None, ...]:
        """What concepts are compared with one by one: captions that do not say it, else the reference."""
        return self.trained if any(mark is not None for mark in self.trained) else self.reference

    def tests(self) -> Adjusted:
        """Test each concept against its mark, errors of the reader aside (Benjamini-Hochberg)."""
        p: list[float | None] = []
        for share, mark in self._beside(self.marks):
            k, n = (round(number) for number in share.weighed)
            p.append(None if mark is None else total_variation([k, n - k], [mark, 1 - mark]).test.p)
        return benjamini_hochberg(p)

    def apart(self) -> tuple[int, int, int]:
        """Return how many concepts lie below their mark, above it, and cannot be told from it."""
        told = self.tests().rejected
        known = [(share, mark, one) for (share, mark), one in zip(self._beside(self.marks), told, strict=True)]
        sides = [(share.behind.value or 0.0) > mark for share, mark, one in known if mark is not None and one]
        return sides.count(False), sides.count(True), sum(mark is not None for _, mark, _ in known) - len(sides)

    def beside(self, marks: Sequence[float | None]) -> list[GroupShare]:
        """Return the shares that a mean difference to these marks rests on."""
        return [share for share, mark in self._beside(marks) if share.behind.value is not None and mark is not None]

    def pictures(self, marks: Sequence[float | None]) -> Account:
        """Return how many pictures a mean difference to these marks rests on."""
        accounts = [share.account for share in self.beside(marks)]
        asked, drawn, readable = (
            sum(getattr(one, name) for one in accounts) for name in ("asked", "drawn", "readable")
        )
        return Account(asked=asked, drawn=drawn, readable=readable)

    def _beside(self, marks: Sequence[float | None]) -> Iterator[tuple[GroupShare, float | None]]:
        """Return the shares that have the same denominator as the marks, beside these."""
        return zip(self.alike if marks is self.reference else self.shares, marks, strict=True)

    def slope(self, marks: Sequence[float | None]) -> Estimate:
        """Return the slope of the model's log odds on those of a reference: 1 copies, 2 amplifies, 0.5 flattens."""
        known = [(*share.weighed, mark) for share, mark in self._beside(marks) if mark and mark < 1]
        return logit_slope([k for k, _, _ in known], [n for _, n, _ in known], [mark for _, _, mark in known])

    def beyond(self, marks: Sequence[float | None], base: float | None = None) -> Estimate:
        """Return the mean over concepts of share minus reference; all rest on one sample of labelled pictures.

        Args:
            marks: The reference.
            base: With it, differences count as positive on the side where the reference leaves this share: how much
                stereotypes are exaggerated.
        """
        kept = [
            (share, mark, 1 if base is None or mark > base else -1)
            for share, mark in self._beside(marks)
            if share.behind.value is not None and mark is not None and mark != base
        ]
        readings = [share.readings for share, _, _ in kept]
        known = [row for row in readings if row is not None]
        if known and len(known) == len(readings):
            return corrected_mean(
                [row.counts for row in known],
                known[0].confusion,
                known[0].of,
                truths=[row.truths for row in known],
                among=known[0].among,
                against=[mark for _, mark, _ in kept],
                signs=[side for *_, side in kept],
            )
        differences = [side * ((share.behind.value or 0.0) - mark) for share, mark, side in kept]
        return clustered_mean(differences, list(range(len(differences))))

    def mean(self) -> Share:
        """Return the mean share over concepts."""
        return self.beyond([0.0] * len(self.shares)).as_a(Share)


def persisting(table: Table, model: str, field: str) -> dict[str, tuple[Estimate, Account]]:
    """Return how much of its stereotype a counter-prompt leaves, for ``all`` concepts together and for each.

    Args:
        table: Rows of parts "occupations" and "counter"; slot ``stereotype`` of the latter names what is denied.
        model: Which model.
        field: What is read.

    Returns:
        By concept with its stereotype; nothing where no counter-prompt was asked.
    """
    countered = table.of(model=model, part="counter")
    shares, totals = {}, [0, 0, 0, 0]
    for concept in countered.distinct("concept"):
        denied = countered.of(concept=concept)
        value = denied.rows[0].slots["stereotype"]
        plain = group_share(table.of(model=model, part="occupations", concept=concept), field, value)
        still = group_share(denied, field, value)
        four = [round(number) for number in (*still.weighed, *plain.weighed)]
        totals = [total + number for total, number in zip(totals, four, strict=True)]
        shares[f"{concept}: {value}"] = persistence(*four), still.account
    return {"all": (persistence(*totals), countered.account(field)), **shares} if shares else {}


@dataclass(frozen=True, kw_only=True)
class NearestPlace:
    """The place that unmarked pictures of a thing are nearest to.

    Args:
        thing: What was asked for.
        pictures: Unmarked pictures of it.
        place: The nearest place; None where a place has fewer than two pictures.
        distance: Squared maximum mean discrepancy to pictures of that place.
        rival: The next place, where the interval does not tell it from the nearest.
    """

    thing: str
    pictures: int
    place: str | None = None
    distance: float | None = None
    rival: str = ""


def nearest_places(table: Table, model: str, encoder: str) -> list[NearestPlace]:
    """Return for each thing the place that its unmarked pictures are nearest to, by maximum mean discrepancy.

    Args:
        table: Rows of the part "objects"; slot ``place`` is empty where none was named.
        model: Which model.
        encoder: As :func:`limn.audit.features.features` takes it.
    """
    asked, nearest = table.of(model=model, part="objects"), []
    for thing in asked.distinct("concept"):
        of_thing = asked.of(concept=thing)
        sets = {
            place: features(of_thing.of(place=place).pictures(), encoder) for place in of_thing.distinct("place")
        }
        plain = sets.pop("")
        if min(map(len, (plain, *sets.values()))) < 2 or len(sets) < 2:
            nearest.append(NearestPlace(thing=thing, pictures=len(plain)))
            continue
        distances = {name: far.value or 0.0 for name, far in nearest_set(plain, sets, draws=2).items()}
        first, second = sorted(distances, key=distances.__getitem__)[:2]
        margin = closer(plain, sets[second], sets[first], draws=DRAWS)
        rival = "" if (margin.low or 0) > 0 else second
        nearest.append(
            NearestPlace(thing=thing, pictures=len(plain), place=first, distance=distances[first], rival=rival)
        )
    return nearest
