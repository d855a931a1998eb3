"""Which culture two models take for granted, and whether one gives it up for following words more closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np

from limn.audit.cultural import Cultured, differences
from limn.audit.group_shares import by_name
from limn.audit.oracles import Copycat, pool
from limn.audit.probe import STRIDE, Ask, Probe
from limn.audit.reference import prompts
from limn.audit.replication import Memory, Seen, copying
from limn.audit.report.parts import Bars, Figure, Figures, Part, Report, Section, Sheet
from limn.audit.run import in_memory
from limn.audit.side_by_side import measured, nearness, traded
from limn.audit.sources import FromPeople
from limn.audit.study import Check, Study
from limn.audit.table import Table, join
from limn.audit.training_sets import TrainingSet, open_set
from limn.data.people import Population, Rule
from limn.kernel.errors import InputError

__all__ = ["Culture"]

WAVES = {"wave": 0.7, "lantern": 0.1, "leaf": 0.1, "zigzag": 0.1}
COPIED = 0.05
QUESTION = (
    "Which place do pictures show when the prompt names none, how closely do they follow a place that is named, and "
    "does a model that does better in the one do worse in the other?"
)
CAVEATS = (
    "No model is culturally agnostic, and no reference for a default is neutral; the one used here is declared.",
    "Spaces in which pictures are compared have a default culture of their own, so what needs no reader is no "
    "neutral judge; both ways are told.",
    "Words of culture change what a scene contains, not only where it is; pictures are compared within a subject.",
    "Diversity cannot tell variety from failure: look at the pictures.",
)


@dataclass(frozen=True, kw_only=True)
class Culture(Study):
    """Cetinic 2022, made quantitative: culturally agnostic, or culturally specific?

    Subjects are asked for with a place and without one, on equal seeds. *Default culture* is what unmarked pictures
    show: the reader's shares against a declared reference, and without a reader the place to which they are nearest
    by maximum mean discrepancy. *Specificity* is how often a named place is shown; *diversity* the mean distance and
    the Vendi score within a subject; *literalness* what naming a place changes; *memorisation* the share of copies
    beyond chance resemblance. Of two models it is told how often one is both less biased and more specific.

    Args:
        n: Pictures for each prompt.
        seed: First seed.
        world: In which words to ask.
        only: Subjects to keep; all if empty.
        field: The reader's field whose values are the places; empty where none is read.
        reference: Shares of the places to compare the default with, in their order; even if empty.
        encoder: Where pictures are compared (:mod:`limn.audit.features`).
        training: What was learned from (:mod:`limn.audit.training_sets`), to look for copies; none if empty.
    """

    paper: ClassVar[str] = "cetinic2022myth"

    n: int = 16
    world: prompts.World = "people"
    only: tuple[str, ...] = ()
    field: str = "motif"
    reference: tuple[float, ...] = ()
    encoder: str = ""
    training: str = ""

    def __post_init__(self) -> None:
        many = len(prompts.PLACES[self.world])
        if self.reference and (len(self.reference) != many or abs(sum(self.reference) - 1) > 1e-6):
            raise InputError(f"reference: give {many} shares that sum to 1, of {', '.join(self._places)}")

    @property
    def _places(self) -> tuple[str, ...]:
        return prompts.PLACES[self.world]

    def probe(self) -> Probe:
        """Return every subject without a place and with each; seeds are shared within a subject only."""
        known = [each for each in prompts.THINGS[self.world] if not self.only or each in self.only]
        asks = tuple(
            replace(
                each,
                group=each.slots["place"] or "unmarked",
                slots={**each.slots, "part": "culture"},
                seed=self.seed + known.index(each.slots["concept"]) * STRIDE,
            )
            for each in prompts.asks(self.world, "objects", str)
            if each.slots["concept"] in known
        )
        return Probe(asks=asks, each=self.n, seed=self.seed)

    def cultured(self, table: Table, model: str) -> Cultured:
        """Return what is counted of one model."""
        known = {name for reader in table.readers for name in reader.fields}
        even = tuple(1 / len(self._places) for _ in self._places)
        return Cultured(
            table=table.of(model=model),
            field=self.field if self.field in known else "",
            places=self._places,
            reference=self.reference or even,
            encoder=self.encoder,
        )

    def analyse(self, table: Table) -> Report:
        """Measure every model, and compare each with the next."""
        found = {model: self.cultured(table, model) for model in table.models}
        sections = [Section(title="Default culture", parts=self._default(found)), *measured(found)]
        if self.training:
            memory = Memory(known=self._known)
            copies = {(model, "all"): Seen.of(table.of(model=model), memory) for model in found}
            sections.append(Section(title="Memorisation", parts=(copying(copies, memory),)))
        findings = [f"{model}: {each.summary()}" for model, each in found.items()]
        for one, other in pairwise(found):
            section, finding = traded({one: found[one], other: found[other]})
            sections.append(section)
            findings.insert(0, finding)
        groups = {f"{m}, {g}": table.of(model=m, group=g).pictures()[:12] for g in table.groups for m in found}
        return Report(
            title="Culture",
            question=QUESTION,
            findings=tuple(findings),
            sections=(*sections, Section(title="Pictures", parts=(Sheet(title="By place", groups=groups),))),
            caveats=CAVEATS,
            papers=(self.paper, "friedman2023vendi"),
        )

    def _default(self, found: Mapping[str, Cultured]) -> tuple[Part, ...]:
        parts: list[Part] = [nearness(found)]
        read = {model: each for model, each in found.items() if each.field}
        if read:
            rows = by_name(
                Figure.of(place, share, each.unmarked.account(self.field), model=model, reference=mark)
                for model, each in read.items()
                for (place, share), mark in zip(each.default().items(), each.reference, strict=True)
            )
            bars = {model: {p: e.value or 0.0 for p, e in each.default().items()} for model, each in read.items()}
            parts = [
                Figures(title="Shown when no place is named, as read", rows=rows, axis="share of readable pictures"),
                Bars(title="Default culture", groups=bars),
                *parts,
            ]
        return tuple(parts)

    @cached_property
    def _known(self) -> TrainingSet:
        return open_set(self.training)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit an agnostic oracle, its like, a specific one and a copycat; a pair of equals must not differ."""
        seed = int(rng.integers(2**40))
        study = replace(self, n=16, seed=seed, world="people", field="motif", only=(), encoder="", reference=())
        agnostic = FromPeople(name="agnostic", population=Population(), fidelity=0.6)
        waves = Population(rules=(Rule(field="motif", shares=WAVES),))
        specific = FromPeople(name="specific", population=waves, fidelity=0.98)
        table = in_memory(study.probe(), [agnostic, specific], ["people"])
        again = replace(study, seed=study.seed + 2**41).probe()
        table = join(table, replace(in_memory(again, [agnostic], ["people"]), probe=table.probe), name="again")
        a, b, null = (study.cultured(table, model) for model in table.models)
        pair, equals = differences(a, b), differences(a, null)
        memory = _copied()
        copycat = Copycat(training=memory.known.pictures, fresh=pool(), rate=COPIED).source("copycat")
        drawn = in_memory(Probe(asks=(Ask(prompt="a doctor"),), each=400, seed=study.seed), [copycat], [])
        return [
            Check.of("default share of waves, agnostic", 0.25, a.default()["wave"]),
            Check.of("default share of waves, specific", WAVES["wave"], b.default()["wave"]),
            Check.of("specificity, agnostic", 0.7, a.specificity()),
            Check.of("difference of default bias", -0.45, pair["default bias"]),
            Check.of("difference of specificity", 0.7 - 0.985, pair["specificity"]),
            Check.of("copies", COPIED, Seen.of(drawn, memory).copied),
            *(Check.of(f"equals: {name}", 0.0, each) for name, each in equals.items()),
        ]


@cache
def _copied() -> Memory:
    """Return the world whose pictures repeat, so that its held-out pictures are compared once."""
    return Memory(known=open_set("copied"))
