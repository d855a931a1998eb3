"""As whom a model represents people of an occupation, a trait or a place, against references that are named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from limn.audit.group_shares import by_name, represented
from limn.audit.planted import LEANING, PERSISTENCE, SLOPES, judged, oracles, unmarked_oracle
from limn.audit.probe import Ask, Probe
from limn.audit.reference import prompts
from limn.audit.reference.captions import shown
from limn.audit.reference.labour import WOMEN, labour_share
from limn.audit.references import AXIS, Compared, nearest, people, persisting
from limn.audit.report.parts import Figures, Part, Report, Section
from limn.audit.run import in_memory
from limn.audit.statistics.amplification import unmarked_share
from limn.audit.study import Check, Study
from limn.audit.table import Table
from limn.kernel.errors import InputError, unknown_name

__all__ = ["Stereotypes"]

QUESTION = (
    "As whom does the model represent people when the prompt does not say it, and is that more one-sided than a "
    "reference, and than the training captions that do not say it either?"
)
PERSISTS = "share of the stereotype with the counter-prompt over the share without; 1 changes nothing"
CAVEATS = (
    "It is counted as whom pictures represent somebody, as a reader sees it; nobody is identified.",
    "No reference is neutral: labour statistics describe one country and year and prescribe nothing; titles of "
    "prompts do not map one to one to their rows.",
    "The share among captions that do not say it is what a faithful model draws for such a prompt; that makes it "
    "faithful, not fair.",
)


@dataclass(frozen=True, kw_only=True)
class Stereotypes(Study):
    """Bianchi et al. 2023, with the comparison that Seshadri et al. 2023 found missing.

    People are asked for by occupation or by trait and nothing else, and things with and without a place. Shares are
    compared with labour statistics and with the share among *training captions that do not say it*, since captions
    name what is unusual; the slope of log odds says whether a model copies (1), amplifies (above) or flattens. A
    counter-prompt denies the stereotype: persistence is the share of the stereotype with it over the share without.
    Readers that err are looked behind with their confusion matrix; what cannot be read is counted.

    Args:
        n: Pictures for each prompt.
        seed: First seed.
        world: In which words to ask.
        parts: What to ask about: ``occupations``, ``traits``, ``objects``, ``counter``.
        only: Concepts to keep; all if empty.
        field: What is read.
        value: Which value is counted.
        reference: ``labour``, ``people:WORLD``, or nothing; empty is labour except for person icons.
        training: Captions that the model learned from: a folder of Parquet files or ``people:WORLD``; none if empty.
        encoder: Where things are compared (:mod:`limn.audit.features`).
    """

    paper: ClassVar[str] = "bianchi2023easily"

    world: prompts.World = "people"
    parts: tuple[str, ...] = ("occupations",)
    only: tuple[str, ...] = ()
    field: str = "gender"
    value: str = "woman"
    reference: str = ""
    training: str = ""
    encoder: str = ""

    def __post_init__(self) -> None:
        for each in self.parts:
            if each not in prompts.PARTS:
                raise unknown_name("part", each, prompts.PARTS)
        if "counter" in self.parts and ("occupations" not in self.parts or self.field != "gender"):
            raise InputError(
                "parts: counter denies a gender of occupations; add occupations, and leave field gender"
            )

    @property
    def read_by(self) -> tuple[str, ...]:
        """Pictograms have a reader of their own; photos have none that comes with limn."""
        return {"pictograms": ("pictograms",), "photos": ()}.get(self.world, self.readers)

    def probe(self) -> Probe:
        """Return the prompts of all parts."""
        asks = [ask for part in self.parts for ask in prompts.asks(self.world, part, self._stereotype)]
        kept = tuple(each for each in asks if not self.only or each.slots["concept"] in self.only)
        return Probe(asks=kept, each=self.n, seed=self.seed)

    def analyse(self, table: Table) -> Report:
        """Estimate shares, slopes, persistence and places of every model."""
        told = [self.compared(table, model) for model in table.models] if "occupations" in self.parts else []
        findings = [f"{each.model}: {line}" for each in told for line in each.findings(self.value)]
        sections = people(table.of(part="occupations"), told, self.field, self.value) if told else []
        traits = [row for model in table.models for row in self.compared(table, model, "traits").figures()]
        if traits:
            parts: tuple[Part, ...] = (
                Figures(title=f"Represented as {self.value}", rows=by_name(traits), axis=AXIS),
            )
            sections.append(Section(title="Traits", parts=parts))
        still = [row for model in table.models for row in persisting(table, model, self.field)]
        if still:
            all_of_them = [row for row in still if row.name == "all" and row.value is not None]
            findings += [
                f"{row.model}: {row.value:.0%} of the stereotypes persist when denied" for row in all_of_them
            ]
            figures = Figures(title="Persistence", rows=by_name(still), axis=PERSISTS, percent=False, zero=1)
            sections.append(Section(title="Counter-prompts", parts=(figures,)))
        if "objects" in self.parts:
            places = tuple(nearest(table, model, self.encoder) for model in table.models)
            sections.append(Section(title="Places", parts=places))
        return Report(
            title="Stereotypes",
            question=QUESTION,
            findings=tuple(findings),
            sections=tuple(sections),
            caveats=CAVEATS,
            papers=(self.paper, "seshadri2023bias"),
            tests="; ".join(f"{each.model}: {each.tests().how}" for each in told if any(each.tests().p)),
        )

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit oracles of known slopes and persistence, a reader of known errors, and unmarked captions."""
        study = replace(self, n=100, seed=int(rng.integers(2**40)), world="people", field="gender", value="woman")
        study = replace(study, only=(), training="", reference="people:visible", parts=("occupations", "counter"))
        table = in_memory(study.probe(), oracles(), ["people"])
        slopes = {name: study.compared(table, name) for name in SLOPES}
        still = persisting(table, "copies", "gender")[0]
        one = Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook"}),), each=400, seed=study.seed)
        read = in_memory(one, oracles()[:1], [judged(study.seed)])
        faithful = Probe(asks=(Ask(prompt="a doctor", slots={"profession": "doctor"}),), each=200, seed=study.seed)
        drawn = in_memory(faithful, [unmarked_oracle()], ["people"])
        return [
            *(Check.of(f"slope {s:g}", s, slopes[name].slope(slopes[name].reference)) for name, s in SLOPES.items()),
            Check(name="persistence", truth=PERSISTENCE, estimate=still.value, low=still.low, high=still.high),
            Check.of("behind a bad reader", LEANING["cook"], represented(read, "gender", "woman").behind),
            Check.of(
                "unmarked captions", unmarked_share(0.25, 0.8, 0.1), represented(drawn, "gender", "woman").read
            ),
        ]

    def compared(self, table: Table, model: str, part: str = "occupations") -> Compared:
        """Return one model's shares beside the references."""
        concepts = list(dict.fromkeys(row.slots["concept"] for row in table.of(part=part).rows))
        training = shown(self.training, concepts, self.field) if self.training and part == "occupations" else {}
        return Compared.of(table.of(part=part), model, self.field, self.value, self._reference, training)

    def _reference(self, concept: str) -> float | None:
        """Return the share of the value in the reference."""
        name = self.reference or ("" if self.world == "people" else "labour")
        if name in ("", "labour"):
            return labour_share(concept, self.field, self.value) if name else None
        return shown(name, [concept], self.field)[concept].all.get(self.value)

    def _stereotype(self, concept: str) -> str:
        """Return the gender that the reference has more of than all work together; women where it does not say."""
        known = self._reference(concept)
        return self.value if known is None or known >= WOMEN else {"woman": "man", "man": "woman"}[self.value]
