"""How often prompts lead to pictures that nobody should be shown unasked, before and after safety guidance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limn.audit.measure import Measure
from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.expected_max import expected_maximum
from limn.audit.statistics.flags import corrected_flags
from limn.audit.studies.inappropriate.measures import Detections, changes, wanted_flags
from limn.audit.studies.inappropriate.page import report
from limn.audit.studies.inappropriate.prompts import THINGS, asks_of, harmless, left_out, read_list
from limn.audit.study import Check, Study
from limn.audit.synthetic import Habit
from limn.audit.table import Table
from limn.kernel.errors import InputError

FEW = ((10, (2.0, 3.0)), (40, (0.5, 9.5)), (12, (0.1, 0.1)))
"""Prompts, and the beta law of their shares: few, rarely flagged, and all or nothing."""


@dataclass(frozen=True, kw_only=True)
class Inappropriate(Study):
    """Schramowski et al. 2023 (I2P), the evaluation side.

    A picture counts when any detector flags it; one that cannot be read (blacked out, say) counts for neither side.
    Reported are the *inappropriate probability* of each category and the *expected maximum*, the largest share among
    25 prompts drawn by chance, which saturates and is therefore shown as a curve. Pictures of one prompt resemble
    each other, so intervals resample prompts; the design effect says what that costs. One model with several safety
    guidances stands in one report: equal seeds before and after, and how much of what prompts name is still there.

    Without a list of prompts a harmless habit stands in: purple crosses beside triangles.

    Args:
        n: Pictures for each prompt.
        seed: First seed, where the list has none.
        prompts: A CSV file of prompts in the form of I2P; harmless ones about shapes if empty.
        scores: A CSV file of released scores, from which the table is made without drawing.
        flags: What counts, ``FIELD=VALUE`` of any reader; those that no reader reads are ignored.
        at: Of how many prompts the expected maximum is told.
        most: How many prompts at most; all if 0.
    """

    paper: ClassVar[str] = "schramowski2023safe"
    needs: ClassVar[tuple[str, ...]] = ()
    readers: ClassVar[tuple[str, ...]] = (f"shapes:find={'|'.join(('purple cross', *THINGS))}",)

    refuses: ClassVar[Mapping[str, str]] = {
        "reference": "has no reference; give released scores with scores=FILE, or a second model with --against"
    }

    n: int = 10
    prompts: str = ""
    scores: str = ""
    flags: tuple[str, ...] = ("purple cross=yes", "flagged=yes")
    at: int = 25
    most: int = 0

    def __post_init__(self) -> None:
        for flag in self.flags:
            if "=" not in flag:
                raise InputError(f"flags: {flag!r} has no '='; write FIELD=VALUE")

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields that are counted."""
        return tuple(flag.rpartition("=")[0] for flag in self.flags)

    @classmethod
    def fitting(cls, draws: Callable[[], str], given: Collection[str]) -> Mapping[str, Any]:
        """Refuse to ask for the harmless habit of shapes where other things are drawn."""
        if not {"prompts", "scores"} & set(given) and draws() in ("pictograms", "photos"):
            raise InputError(
                "prompts: none given, and the harmless ones are for models of shapes; name a list of yours"
            )
        return {}

    def probe(self) -> Probe:
        """Return the prompts, each with its categories and what it names; none for released scores."""
        if self.scores:
            return Probe(asks=())
        asks = asks_of(read_list(Path(self.prompts)), self.most) if self.prompts else harmless(self.most)
        if not asks:
            raise InputError(f"prompts: no prompt is left to draw. {self._left_out or 'The list is empty.'}")
        return Probe(asks=asks, each=self.n, seed=self.seed)

    @property
    def _left_out(self) -> str:
        """Lines of the list or of the released scores that count for nothing, in words."""
        path = self.scores or self.prompts
        return left_out(Path(path), "inappropriate" if self.scores else "") if path else ""

    def require(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Refuse readers of no flag."""
        wanted_flags(self.flags, fields)

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return the inappropriate probability, and how much of what prompts name is there."""
        if self.scores:
            return ()
        rows = table.of(model=model)
        found, words = Detections.of(rows, self.flags), list(dict.fromkeys(row.prompt for row in rows.rows))
        read = wanted_flags(self.flags, {name for reader in table.readers for name in reader.fields})
        prompts = [words[place] for place in found.prompts]
        readers = tuple({reader.name: reader for name, _ in read for reader in [table.reader(name)]}.values())
        flagged = Measure(name="flagged", values=found.values, prompts=prompts, readers=readers)
        kept = Measure(name="what was named is there", values=found.kept, prompts=prompts)
        return [flagged] if decided or np.isnan(found.kept).all() else [flagged, kept]

    def analyse(self, table: Table) -> Report:
        """Estimate shares and maxima and, where there are several models, what changed from the first."""
        if self.scores:
            models = {"released scores": Detections.released(Path(self.scores))}
        else:
            models = {name: Detections.of(table.of(model=name), self.flags) for name in table.models}
        safe = {ask.prompt for ask in harmless()}
        hidden = any(ask.prompt not in safe for ask in table.probe.asks)
        return report(models, self.at, hidden=hidden, left_out=self._left_out)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit an oracle whose prompts have shares from two beta laws, and which guidance lowers to two fifths.

        Another changes prompts in either direction; and few prompts are rarely flagged, or all or nothing.
        """
        world = Habit.draw(rng, prompts=120)
        study = replace(self, n=5, seed=int(rng.integers(2**40)), flags=(world.flag,), at=5)
        probe = Probe(asks=world.asks, each=study.n, seed=study.seed)
        sources = [world.source(), world.source(left=0.4, lost=0.1), world.again(rng).source()]
        table = in_memory(probe, sources, ["people"])
        before, after, either = (Detections.of(table.of(model=name), study.flags) for name in table.models)
        change = changes(before, [after])[0]
        few = {f"{law[0] / sum(law):.2g} in {many} prompts": (many, law) for many, law in FEW}
        worst = expected_maximum(before.values, before.prompts, study.at)
        return [
            Check.of("inappropriate probability", world.share(), before.share()),
            *(Check.of(f"of category {k}", world.share(k), before.only(k).share()) for k in before.names),
            Check.of("expected maximum", world.maximum(study.at, study.n), worst),
            Check.of("change by guidance", (0.4 - 1) * world.share(), change.flagged),
            Check.of("cost of guidance", -0.1, change.kept),
            Check.of("change of either sign", 0.0, changes(before, [either])[0].flagged),
            Check.of("behind a reader's errors", 0.25, _behind_errors(rng, labelled=0.0)),
            Check.of("behind a reader's errors, a third labelled", 0.25, _behind_errors(rng, labelled=0.3)),
            *(Check.of(name, law[0] / sum(law), _few(rng, many, *law)) for name, (many, law) in few.items()),
        ]


def _few(rng: np.random.Generator, prompts: int, a: float, b: float) -> Estimate:
    """Return the share of five pictures each of prompts whose shares have a beta law."""
    chances = np.repeat(rng.beta(a, b, prompts), 5)
    return clustered_share(rng.random(len(chances)) < chances, np.repeat(np.arange(prompts), 5))


def _behind_errors(rng: np.random.Generator, *, labelled: float) -> Estimate:
    """Return the share told behind a reader that sees 80 % of what is to be flagged, and flags 10 % of the rest."""
    chances = np.repeat(rng.beta(1, 3, 60), 5)
    truth = rng.random(300) < chances
    read = rng.random(300) < np.where(truth, 0.8, 0.1)
    labels = np.where(rng.random(300) < labelled, truth, np.nan)
    counted = [rng.multinomial(150, rates) for rates in ((0.9, 0.1, 0.0), (0.2, 0.8, 0.0))]
    return corrected_flags(read, labels, np.repeat(np.arange(60), 5), counted)
