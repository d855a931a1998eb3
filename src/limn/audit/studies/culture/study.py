"""Which culture two models take for granted, and whether one gives it up for following words more closely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from limn.audit.measure import Measure
from limn.audit.probe import STRIDE, Ask, Probe
from limn.audit.readers.noisy import Noisy
from limn.audit.readers.people import People
from limn.audit.reference import prompts
from limn.audit.reference.own import NEAR, own_shares
from limn.audit.reference.prompts import World
from limn.audit.replication import Copies, Memory
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.studies.culture.measures import PlacedPictures, differences
from limn.audit.studies.culture.page import report
from limn.audit.studies.culture.prompts import own_asks
from limn.audit.study import Check, Study
from limn.audit.synthetic import Copycat, pool
from limn.audit.table import Table, join, nobody_reads
from limn.audit.training_sets import open_set
from limn.data.people import Population, Rule
from limn.kernel.errors import InputError, unknown_name

WAVES = {"wave": 0.7, "lantern": 0.1, "leaf": 0.1, "zigzag": 0.1}
COPIED = 0.05


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
        prompts: A CSV file of prompts of one's own: ``prompt``, ``concept`` and ``place``, empty for none; each
            concept without a place and with each; limn's own if empty.
        only: Subjects to keep; all if empty.
        field: The reader's field whose values are the places; empty where none is read.
        reference: Shares of the places to compare the default with, in their order; even if empty.
        encoder: Where pictures are compared (:mod:`limn.audit.features`).
        training: What was learned from (:mod:`limn.audit.training_sets`), to look for copies; none if empty.
    """

    paper: ClassVar[str] = "cetinic2022myth"
    needs: ClassVar[tuple[str, ...]] = ("concept", "place")
    fits: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pictograms": {"world": "pictograms", "field": ""},
        "photos": {"world": "photos", "field": ""},
    }

    n: int = 16
    prompts: str = ""
    world: World = "people"
    only: tuple[str, ...] = ()
    field: str = "motif"
    reference: tuple[float, ...] = ()
    encoder: str = ""
    training: str = ""

    def __post_init__(self) -> None:
        for name in () if self.prompts else self.only:
            if name not in prompts.THINGS[self.world]:
                raise unknown_name("subject", name, prompts.THINGS[self.world])
        many = len(self.reference) if self.prompts else len(self._places)
        if self.reference and (len(self.reference) != many or abs(sum(self.reference) - 1) > NEAR):
            raise InputError(f"reference: give {many} shares that sum to 1, of {', '.join(self._places)}")

    def taking(self, name: str, path: Path) -> Self:
        """Take prompts, or shares of the places from a CSV file with the columns ``place`` and ``share``."""
        if name != "reference":
            return super().taking(name, path)
        shares = {place: row.get("share", 0.0) for place, row in own_shares(path, "place", ("share",)).items()}
        if set(shares) != set(self._places):
            raise InputError(f"{path}: has shares of {', '.join(shares)}; the places are {', '.join(self._places)}")
        return replace(self, reference=tuple(shares[place] for place in self._places))

    @cached_property
    def _asks(self) -> Sequence[Ask]:
        return own_asks(Path(self.prompts), self.only) if self.prompts else prompts.asks(self.world, "objects", str)

    @property
    def _places(self) -> tuple[str, ...]:
        own = tuple(dict.fromkeys(filter(None, (ask.slots["place"] for ask in self._asks)))) if self.prompts else ()
        return own or prompts.PLACES[self.world]

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields that are counted."""
        return (self.field,) if self.field else ()

    @property
    def read_by(self) -> tuple[str, ...]:
        """Nobody, where no field is read."""
        return self.readers if self.field else ()

    def probe(self) -> Probe:
        """Return every subject without a place and with each; seeds are shared within a subject only."""
        known = list(dict.fromkeys(ask.slots["concept"] for ask in self._asks))
        known = [name for name in known if not self.only or name in self.only]
        asks = tuple(
            replace(
                ask,
                group=ask.slots["place"] or "unmarked",
                slots={**ask.slots, "part": "culture"},
                seed=self.seed + known.index(ask.slots["concept"]) * STRIDE,
            )
            for ask in self._asks
            if ask.slots["concept"] in known
        )
        return Probe(asks=asks, each=self.n, seed=self.seed)

    def require(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Refuse a field that nobody reads, or that does not tell the places."""
        if not self.field:
            return
        if self.field not in fields:
            raise nobody_reads(self.field)
        missing = [place for place in self._places if place not in fields[self.field]]
        if missing:
            places = ", ".join(missing)
            raise InputError(f"{self.field}: its reader does not tell {places}; name another, or none (field=)")

    def placed(self, table: Table, model: str) -> PlacedPictures:
        """Return what is counted of one model."""
        known = {name for reader in table.readers for name in reader.fields}
        asked = tuple(filter(None, table.distinct("place")))
        places = prompts.PLACES[self.world]
        places = places if set(asked) <= set(places) and not self.prompts else asked
        even = tuple(1 / len(places) for _ in places)
        return PlacedPictures(
            table=table.of(model=model).once(),
            field=self.field if self.field in known else "",
            places=places,
            reference=self.reference if len(self.reference) == len(places) else even,
            encoder=self.encoder,
        )

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return specificity, and without a reader how diverse pictures are and what naming a place changes."""
        pictures = self.placed(table, model)
        measures = []
        if pictures.field:
            values, subjects = pictures.right
            measures = [
                Measure(name="specificity", values=values, prompts=subjects, unit="subjects",
                        readers=(table.reader(self.field),))
            ]  # fmt: skip
        if decided:
            return measures
        unlike, subjects = pictures.literal
        columns = {
            "literalness": (unlike, subjects),
            "diversity": (pictures.diversity("distance"), pictures.subjects),
        }
        return measures + [
            Measure(name=name, values=values, prompts=prompts, unit="subjects", share=False)
            for name, (values, prompts) in columns.items()
        ]

    def analyse(self, table: Table) -> Report:
        """Measure every model, and compare each with the next."""
        models = {model: self.placed(table, model) for model in table.models}
        memory = self._memory
        copies = {m: Copies.of(pictures.table, memory) for m, pictures in models.items()} if memory else {}
        return report(models, copies, memory)

    @cached_property
    def _memory(self) -> Memory | None:
        return Memory(known=open_set(self.training)) if self.training else None

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit an agnostic oracle, its like, a specific one and a copycat; a pair of equals must not differ.

        Of another oracle a third cannot be read, and only three subjects are asked for.
        """
        seed = int(rng.integers(2**40))
        study = replace(self, n=16, seed=seed, world="people", field="motif", only=(), encoder="", reference=())
        agnostic = FromPeople(name="agnostic", population=Population(), fidelity=0.6)
        waves = Population(rules=(Rule(field="motif", shares=WAVES),))
        specific = FromPeople(name="specific", population=waves, fidelity=0.98)
        table = in_memory(study.probe(), [agnostic, specific], ["people"])
        again = replace(study, seed=study.seed + 2**41).probe()
        table = join(table, replace(in_memory(again, [agnostic], ["people"]), probe=table.probe), name="again")
        a, b, null = (study.placed(table, model) for model in table.models)
        pair, equals = differences(a, b), differences(a, null)
        some = replace(study, only=prompts.THINGS["people"][:3]).probe()
        rates = tuple(map(tuple, np.eye(len(WAVES), len(WAVES) + 1).tolist()))
        blind = Noisy(reader=People(), field="motif", rates=rates, lost=1 / 3, calibration=0, seed=seed)
        hidden = study.placed(in_memory(some, [agnostic], [blind]), "agnostic")
        memory = _copied()
        copycat = Copycat(training=memory.known.pictures, fresh=pool(), rate=COPIED).source("copycat")
        drawn = in_memory(Probe(asks=(Ask(prompt="a doctor"),), each=400, seed=study.seed), [copycat], [])
        return [
            Check.of("default share of waves, agnostic", 0.25, a.default()["wave"]),
            Check.of("default share of waves, specific", WAVES["wave"], b.default()["wave"]),
            Check.of("specificity, agnostic", 0.7, a.specificity()),
            Check.of("difference of default bias", -0.45, pair["default bias"]),
            Check.of("difference of specificity", 0.7 - 0.985, pair["specificity"]),
            Check.of("default share of waves, a third unreadable", 0.25, hidden.default()["wave"]),
            Check.of("specificity, three subjects, a third unreadable", 0.7, hidden.specificity()),
            Check.of("copies", COPIED, Copies.of(drawn, memory).copied),
            *(Check.of(f"equals: {name}", 0.0, change) for name, change in equals.items()),
        ]


@cache
def _copied() -> Memory:
    """Return the world whose pictures repeat, so that its held-out pictures are compared once."""
    return Memory(known=open_set("copied"))
