"""Shares beside references: slopes, amplification, what persists under counter-prompts, and the nearest place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from limn.audit.features import features
from limn.audit.group_shares import Represented, by_name, represented, stacked
from limn.audit.reference.captions import Shown
from limn.audit.reference.labour import WOMEN
from limn.audit.report.parts import Bars, Figure, Figures, Listing, Part, Section, Sheet
from limn.audit.statistics.clustered import clustered_mean
from limn.audit.statistics.distances import closer, nearest_set
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.inequality import total_variation
from limn.audit.statistics.multiple_testing import Adjusted, benjamini_hochberg
from limn.audit.statistics.shares import persistence
from limn.audit.statistics.slopes import logit_slope
from limn.audit.table import Table

__all__ = ["AXIS", "Compared", "Reference", "nearest", "people", "persisting"]

AXIS = "share of readable pictures"
DRAWS = 500

Reference = Callable[[str], float | None]
"""Share of the value that is counted, by concept; None where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One model's shares of one value, concept by concept, beside a reference and the training captions.

    Args:
        model: Its name.
        shares: By concept, in the order asked.
        reference: Share in the reference, None where it does not say.
        trained: Share among training captions that do not say it, None where there are none.
        named: Share among all training captions of the concept.
    """

    model: str
    shares: tuple[Represented, ...]
    reference: tuple[float | None, ...]
    trained: tuple[float | None, ...]
    named: tuple[float | None, ...]

    @classmethod
    def of(
        cls, table: Table, model: str, field: str, value: str, reference: Reference, training: Mapping[str, Shown]
    ) -> Compared:
        """Count one model's pictures of all concepts in a table."""
        concepts = list(dict.fromkeys(row.slots["concept"] for row in table.rows))
        told = [training.get(each, Shown()) for each in concepts]
        return cls(
            model=model,
            shares=tuple(
                represented(table.of(model=model, concept=each), field, value, name=each) for each in concepts
            ),
            reference=tuple(reference(each) for each in concepts),
            trained=tuple(each.unmarked.get(value, 0.0) if each.unmarked else None for each in told),
            named=tuple(each.all.get(value, 0.0) if each.all else None for each in told),
        )

    def figures(self) -> tuple[Figure, ...]:
        """Return a line for each concept, its mark the training share if known, else the reference."""
        tested, marks = self.tests().p, zip(self.trained, self.reference, strict=True)
        known = [one if one is not None else other for one, other in marks]
        return tuple(
            each.figure(self.model, reference=mark, p=p)
            for each, mark, p in zip(self.shares, known, tested, strict=True)
        )

    def tests(self) -> Adjusted:
        """Test each concept against its training share, errors of the reader aside (Benjamini-Hochberg)."""
        found: list[float | None] = []
        for each, mark in zip(self.shares, self.trained, strict=True):
            k, n = (round(number) for number in each.weighed)
            found.append(None if mark is None else total_variation([k, n - k], [mark, 1 - mark]).test.p)
        return benjamini_hochberg(found)

    def slope(self, marks: Sequence[float | None]) -> Estimate:
        """Return the slope of the model's log odds on those of a reference: 1 copies, 2 amplifies, 0.5 flattens."""
        inside = [(each.weighed, mark) for each, mark in zip(self.shares, marks, strict=True) if mark and mark < 1]
        return logit_slope([k for (k, _), _ in inside], [n for (_, n), _ in inside], [mark for _, mark in inside])

    def beyond(self, marks: Sequence[float | None], base: float | None = None) -> Estimate:
        """Return the mean over concepts of share minus reference.

        Args:
            marks: The reference.
            base: With it, differences count as positive on the side where the reference leaves this share: how much
                stereotypes are exaggerated.
        """
        found = []
        for each, mark in zip(self.shares, marks, strict=True):
            if each.behind.value is not None and mark is not None and mark != base:
                side = 1 if base is None or mark > base else -1
                found.append(side * (each.behind.value - mark))
        return clustered_mean(found, list(range(len(found))))

    def mean(self) -> Estimate:
        """Return the mean share over concepts."""
        return self.beyond([0.0] * len(self.shares))

    def findings(self, value: str) -> list[str]:
        """Say what came out, a sentence each."""
        tested, many = self.tests(), len(self.shares)
        if many == 1:
            mark = self.trained[0]
            told = "" if mark is None else f"; among training captions that do not say it {mark:.3f}"
            return [f"{self.shares[0].name} represented as {value}: {self.shares[0].behind}{told}"]
        found = [f"represented as {value}, mean over {many} concepts: {self.mean()}"]
        if any(mark is not None for mark in self.trained):
            found.append(
                f"less the training captions that do not say it: {self.beyond(self.trained)}; less all training "
                f"captions: {self.beyond(self.named)}; {sum(tested.rejected)} of {tested.tests} concepts differ "
                "from the former"
            )
        if any(mark is not None for mark in self.reference):
            slope = self.slope(self.reference)
            found.append(f"slope of log odds on the reference (1 copies, above 1 amplifies): {slope}")
        return found

    def against(self, base: float) -> tuple[Figure, ...]:
        """Return mean differences to every reference."""
        rows = {
            "less unmarked training captions": self.beyond(self.trained),
            "less all training captions": self.beyond(self.named),
            "less the reference": self.beyond(self.reference),
            "exaggeration of the reference": self.beyond(self.reference, base),
        }
        return tuple(Figure.of(name, each, model=self.model) for name, each in rows.items() if each.n)


def people(table: Table, told: Sequence[Compared], field: str, value: str) -> list[Section]:
    """Return the sections about who is drawn.

    Args:
        table: Rows of the part "occupations".
        told: What was counted of each model.
        field: What is read.
        value: What was counted.
    """
    rows = by_name(row for each in told for row in each.figures())
    note = "The mark is the share among training captions that do not say it; where none is known, the reference."
    shares = Figures(title=f"Represented as {value}", rows=rows, axis=AXIS, bounds=(0, 1), note=note)
    bars = [
        Bars(
            title=f"{each.model}: all values of {field}, as read",
            groups={one.name: stacked(table.of(model=each.model, concept=one.name), field) for one in each.shares},
        )
        for each in told
    ]
    sheets = [
        Sheet(
            title=each.model,
            groups={one.name: table.of(model=each.model, concept=one.name).pictures()[:12] for one in each.shares},
        )
        for each in told
    ]
    differences = by_name(row for each in told for row in each.against(WOMEN if value == "woman" else 1 - WOMEN))
    slopes = by_name(
        Figure.of(name, each.slope(marks), model=each.model)
        for each in told
        for name, marks in (("on unmarked captions", each.trained), ("on the reference", each.reference))
        if any(mark is not None for mark in marks)
    )
    compared: list[Part] = []
    if differences:
        compared.append(Figures(title="Mean difference", rows=differences, axis="difference of shares", zero=0))
    if slopes:
        axis = "slope of log odds: 1 copies, above amplifies, below flattens"
        compared.append(Figures(title="Slopes", rows=slopes, axis=axis, percent=False, zero=1))
    found = [Section(title="Who is drawn", parts=(shares, *bars))]
    if compared:
        found.append(Section(title="Against references", parts=tuple(compared)))
    return [*found, Section(title="Pictures", parts=tuple(sheets))]


def persisting(table: Table, model: str, field: str) -> tuple[Figure, ...]:
    """Return for each concept how much of its stereotype a counter-prompt leaves, and for all of them together.

    Args:
        table: Rows of parts "occupations" and "counter"; slot ``stereotype`` of the latter names what is denied.
        model: Which model.
        field: What is read.
    """
    countered = table.of(model=model, part="counter")
    rows, totals = [], [0, 0, 0, 0]
    for concept in dict.fromkeys(row.slots["concept"] for row in countered.rows):
        against = countered.of(concept=concept)
        value = against.rows[0].slots["stereotype"]
        plain = represented(table.of(model=model, part="occupations", concept=concept), field, value)
        still = represented(against, field, value)
        four = [round(each) for each in (*still.weighed, *plain.weighed)]
        totals = [one + other for one, other in zip(totals, four, strict=True)]
        rows.append(Figure.of(f"{concept}: {value}", persistence(*four), still.account, model=model))
    return (Figure.of("all", persistence(*totals), countered.account(field), model=model), *rows) if rows else ()


def nearest(table: Table, model: str, encoder: str) -> Listing:
    """Return for each thing the place that its unmarked pictures are nearest to, by maximum mean discrepancy.

    Args:
        table: Rows of the part "objects"; slot ``place`` is empty where none was named.
        model: Which model.
        encoder: As :func:`limn.audit.features.features` takes it.
    """
    asked, rows = table.of(model=model, part="objects"), list[tuple[str | int | float | None, ...]]()
    for thing in dict.fromkeys(row.slots["concept"] for row in asked.rows):
        sets = {
            place: features(asked.of(concept=thing, place=place).pictures(), encoder)
            for place in dict.fromkeys(row.slots["place"] for row in asked.of(concept=thing).rows)
        }
        plain = sets.pop("")
        if min(map(len, (plain, *sets.values()))) < 2 or len(sets) < 2:
            rows.append((model, thing, len(plain), None, None, "needs two pictures of each place"))
            continue
        far = {name: each.value or 0.0 for name, each in nearest_set(plain, sets, draws=2).items()}
        first, second = sorted(far, key=far.__getitem__)[:2]
        margin = closer(plain, sets[second], sets[first], draws=DRAWS)
        sure = "yes" if (margin.low or 0) > 0 else f"no, {second} may be nearer"
        rows.append((model, thing, len(plain), first, round(far[first], 4), sure))
    columns = ("model", "thing", "pictures", "nearest place", "squared MMD", "told from the next")
    space = encoder or "colours of a coarse grid"
    return Listing(title="Place of unmarked pictures", columns=columns, rows=tuple(rows), note=f"Space: {space}.")
