"""As whom a model represents people of an occupation, a trait or a place, against references that are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limn.audit.group_shares import group_share
from limn.audit.measure import Measure
from limn.audit.probe import Ask, Probe
from limn.audit.reference import prompts
from limn.audit.reference.captions import shown
from limn.audit.reference.labour import KNOWN, WOMEN, labour_share
from limn.audit.reference.own import NEAR, own_shares
from limn.audit.reference.prompts import World
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.sources import FromPeople
from limn.audit.statistics.amplification import unmarked_share
from limn.audit.studies.stereotypes.measures import ConceptShares, nearest_places, persisting
from limn.audit.studies.stereotypes.page import report
from limn.audit.studies.stereotypes.prompts import own_asks
from limn.audit.study import Check, Study
from limn.audit.synthetic import (
    LEANING,
    PERSISTENCE,
    SLOPES,
    judged,
    leaning,
    oracles,
    partly_labelled,
    unmarked_oracle,
)
from limn.audit.table import Table, nobody_reads
from limn.kernel.errors import InputError, unknown_name

LABELLED: Mapping[str, Mapping[str, float]] = {
    "a quarter by chance": {"woman": 0.25, "man": 0.25},
    "women thrice as often": {"woman": 0.3, "man": 0.1},
    "most": {"woman": 0.9, "man": 0.9},
}
"""Which pictures people label in the selfcheck."""


@dataclass(frozen=True, kw_only=True)
class Stereotypes(Study):
    """Bianchi et al. 2023, with the comparison that Seshadri et al. 2023 found missing.

    People are asked for by occupation or by trait and nothing else, and things with and without a place. Shares are
    compared with labour statistics (which know women and men, so among these alone) and with the share among
    *training captions that do not say it*, since captions name what is unusual; the slope of log odds says whether
    a model copies (1), amplifies (above) or flattens. A counter-prompt denies the stereotype: persistence is the
    share of the stereotype with it over the share without.
    Readers that err are looked behind with their confusion matrix; what cannot be read is counted.

    Args:
        n: Pictures for each prompt.
        seed: First seed.
        world: In which words to ask.
        parts: What to ask about: ``occupations``, ``traits``, ``objects``, ``counter``.
        only: Concepts to keep; all if empty.
        field: What is read.
        value: Which value is counted.
        prompts: A CSV file of prompts of one's own: ``prompt``, ``concept``, and where needed ``part``, ``place`` of
            objects (empty for none) and ``stereotype`` that a counter-prompt denies; limn's own if empty.
        reference: ``labour``, ``people:WORLD``, a CSV file of ``concept`` and a column of shares from 0 to 1 for
            each value, or nothing; empty is labour except for person icons.
        training: Captions that the model learned from: a folder of Parquet files or ``people:WORLD``; none if empty.
        encoder: Where things are compared (:mod:`limn.audit.features`).
    """

    paper: ClassVar[str] = "bianchi2023easily"
    needs: ClassVar[tuple[str, ...]] = ("concept",)
    usual: ClassVar[Mapping[str, str]] = {"part": "occupations"}
    fits: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pictograms": {"world": "pictograms"},
        "photos": {"world": "photos"},
    }

    prompts: str = ""
    world: World = "people"
    parts: tuple[str, ...] = ("occupations",)
    only: tuple[str, ...] = ()
    field: str = "gender"
    value: str = "woman"
    reference: str = ""
    training: str = ""
    encoder: str = ""

    def __post_init__(self) -> None:
        for part in self.parts or ("",):
            if part not in prompts.PARTS:
                raise unknown_name("part", part, prompts.PARTS)
        concepts = {"traits": prompts.TRAITS, "objects": prompts.THINGS[self.world]}
        known = [name for part in self.parts for name in concepts.get(part, prompts.OCCUPATIONS[self.world])]
        for name in () if self.prompts else self.only:
            if name not in known:
                raise unknown_name(f"concept of {' and '.join(self.parts)}", name, known)
        if "counter" in self.parts and ("occupations" not in self.parts or self.field != "gender"):
            raise InputError(
                "parts: counter denies a gender of occupations; add occupations, and leave field gender"
            )

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields that are counted."""
        return (self.field,)

    @property
    def read_by(self) -> tuple[str, ...]:
        """Pictograms have a reader of their own; photos have none that comes with limn."""
        return {"pictograms": ("pictograms",), "photos": ()}.get(self.world, self.readers)

    def probe(self) -> Probe:
        """Return the prompts of all parts."""
        if self.prompts:
            asks = own_asks(Path(self.prompts), self.only)
        else:
            asks = [ask for part in self.parts for ask in prompts.asks(self.world, part, self._stereotype)]
        kept = tuple(ask for ask in asks if not self.only or ask.slots["concept"] in self.only)
        return Probe(asks=kept, each=self.n, seed=self.seed)

    def require(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Refuse readers of other fields, or a value that the field does not have."""
        if set(self.parts) == {"objects"}:
            return
        if self.field not in fields:
            raise nobody_reads(self.field)
        known = fields[self.field]
        for name in (self.value, *(name for row in self._own.values() for name in row)):
            if known and name not in known:
                raise unknown_name(f"value of {self.field}", name, known)

    def analyse(self, table: Table) -> Report:
        """Estimate shares, slopes, persistence and places of every model."""
        models, parts = table.models, table.distinct("part")
        return report(
            table,
            self.field,
            self.value,
            occupations=[self.shares(table, name) for name in models] if "occupations" in parts else [],
            traits=[self.shares(table, name, "traits") for name in models],
            persistence={name: persisting(table, name, self.field) for name in models},
            places={name: nearest_places(table, name, self.encoder) for name in models}
            if "objects" in parts
            else {},
            space=self.encoder,
            base=self._base,
            notes=self._unused(table),
            reference=self._named,
            kind="concepts" if self.prompts else "professions",
        )

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return the mean share of the value over occupations, and over traits."""
        if self.field not in {name for reader in table.readers for name in reader.fields}:
            return ()
        names = {"occupations": f"represented as {self.value}", "traits": f"represented as {self.value}, traits"}
        parts = table.distinct("part")
        return [self._measure(name, table.of(part=part), model) for part, name in names.items() if part in parts]

    def _measure(self, name: str, table: Table, model: str) -> Measure:
        rows, reader = table.of(model=model).once(), table.reader(self.field)
        concepts = rows.distinct("concept") if self.field in reader.confusion else []
        shares = {name: group_share(rows.of(concept=name), self.field, self.value) for name in concepts}
        readings = {name: share.readings for name, share in shares.items() if share.readings is not None}
        read = rows.values(self.field)
        return Measure(
            name=name,
            values=np.array([np.nan if value is None else float(value == self.value) for value in read], float),
            prompts=[row.slots["concept"] for row in rows.rows],
            unit="concepts",
            readers=(reader,),
            readings=readings if len(readings) == len(shares) else None,
        )

    def shares(self, table: Table, model: str, part: str = "occupations") -> ConceptShares:
        """Return one model's shares beside the references."""
        asked = table.of(part=part)
        known = bool(self.training) and part == "occupations"
        training = shown(self.training, asked.distinct("concept"), self.field) if known else {}
        known_values = KNOWN if self._labour else self._own_values
        among = known_values if self.value in known_values else ()
        return ConceptShares.of(asked, model, self.field, self.value, self._reference, training, among)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit oracles of known slopes and persistence, readers of known errors, unmarked captions, and others.

        The last break what estimates lean on: more that cannot be read than among labelled pictures, few labelled
        pictures for all concepts, a rare value, pictures of a value that the reference does not know, labels that
        are not of pictures chosen by chance.
        """
        study = replace(self, n=100, seed=int(rng.integers(2**40)), world="people", field="gender", value="woman")
        study = replace(study, only=(), training="", reference="people:visible", parts=("occupations", "counter"))
        table = in_memory(study.probe(), oracles(), ["people"])
        slopes = {name: study.shares(table, name) for name in SLOPES}
        one = Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook"}),), each=400, seed=study.seed)
        misread = in_memory(one, oracles()[:1], [judged(study.seed)])
        lost = in_memory(one, oracles()[:1], [judged(study.seed, calibration=50, lost=0.4)])
        doctors = Probe(asks=(Ask(prompt="a doctor", slots={"profession": "doctor"}),), each=200, seed=study.seed)
        faithful = group_share(in_memory(doctors, [unmarked_oracle()], ["people"]), "gender", "woman")
        asked = replace(study, n=60, parts=("occupations",)).probe()
        few = study.shares(in_memory(asked, oracles()[:1], [judged(study.seed, calibration=30, lost=0.3)]), "copies")
        half = in_memory(asked, [FromPeople(name="half", population=leaning(1, 0.5))], ["people"])
        alike = ConceptShares.of(half, "half", "gender", "woman", LEANING.get, {}, KNOWN)
        rare = FromPeople(name="rare", population=leaning(1, 0.97))
        both = in_memory(one, oracles()[:1], ["people", judged(study.seed, calibration=0, lost=0.2)])
        partly = {
            f"labels and readings, {name}": group_share(partly_labelled(both, rng, share), "gender", "woman").behind
            for name, share in LABELLED.items()
        }
        seldom = group_share(
            in_memory(one, [rare], [judged(study.seed, calibration=50, lost=0.2)]), "gender", "woman"
        )
        return [
            *(Check.of(f"slope {s:g}", s, slopes[name].slope(slopes[name].reference)) for name, s in SLOPES.items()),
            Check.of("persistence", PERSISTENCE, persisting(table, "copies", "gender")["all"][0]),
            Check.of("behind a bad reader", LEANING["cook"], group_share(misread, "gender", "woman").behind),
            Check.of("behind more unreadable", LEANING["cook"], group_share(lost, "gender", "woman").behind),
            Check.of("unmarked captions", unmarked_share(0.25, 0.8, 0.1), faithful.read),
            Check.of("mean of concepts, few labelled pictures", 0.0, few.beyond(few.reference)),
            Check.of("slope among women and men", 1.0, alike.slope(alike.reference)),
            *(Check.of(name, LEANING["cook"], share) for name, share in partly.items()),
            Check.of("a rare value behind a bad reader", 0.03 * LEANING["cook"], seldom.behind),
        ]

    @property
    def _labour(self) -> bool:
        return self.reference == "labour" or (not self.reference and self.world != "people")

    @cached_property
    def _own(self) -> Mapping[str, Mapping[str, float]]:
        """Shares by concept and value of a reference of one's own."""
        return own_shares(Path(self.reference), "concept") if self.reference.lower().endswith(".csv") else {}

    @property
    def _own_values(self) -> tuple[str, ...]:
        """The values that are the whole of a reference of one's own; none where it leaves room for others."""
        whole = all(abs(sum(row.values()) - 1) <= NEAR for row in self._own.values() if row)
        return tuple(dict.fromkeys(name for row in self._own.values() for name in row)) if whole else ()

    @property
    def _base(self) -> float | None:
        """Share of the value in the whole reference: exaggerated is what leaves it further on the same side."""
        if self._own:
            known = [row[self.value] for row in self._own.values() if self.value in row]
            return sum(known) / len(known) if known else None
        return {"woman": WOMEN, "man": 1 - WOMEN}.get(self.value)

    @property
    def _named(self) -> str:
        """Where the reference shows whom it shows, in words."""
        return "among women and men in the labour statistics" if self._labour else f"in {self.reference}"

    def _unused(self, table: Table) -> tuple[str, ...]:
        """Say which lines of a reference of one's own nothing was asked about."""
        unused = [name for name in self._own if name not in table.distinct("concept")]
        return (f"{self.reference}: nothing was asked about {', '.join(unused)}.",) if unused else ()

    def _reference(self, concept: str) -> float | None:
        """Return the share of the value in the reference."""
        if self._labour:
            return labour_share(concept, self.field, self.value)
        if self._own:
            return self._own.get(concept, {}).get(self.value)
        name = self.reference
        return shown(name, [concept], self.field)[concept].all.get(self.value) if name else None

    def _stereotype(self, concept: str) -> str:
        """Return the gender that the reference has more of than all work together; women where it does not say."""
        known = self._reference(concept)
        return self.value if known is None or known >= WOMEN else {"woman": "man", "man": "woman"}[self.value]
