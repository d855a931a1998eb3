"""What one look-alike letter from another script does to the pictures of a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from limn.audit.perturbation import Effect, effect, spelled, waves
from limn.audit.perturbation_figures import association, bias, seen, sheets
from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.scripts import SCRIPTS, Attack, World, asks
from limn.audit.sources import FromOracle
from limn.audit.statistics.multiple_testing import holm
from limn.audit.study import Check, Study
from limn.audit.table import Table
from limn.audit.text_embeddings import EXACT, scores
from limn.kernel.errors import unknown_name

__all__ = ["Homoglyphs"]

CAVEATS = (
    "Relative bias divides by the clean cosine: it depends on the scorer's offset, and is unstable near 0. Read the "
    "plain difference beside it.",
    "A rare letter also damages a prompt. What a rare symbol of as many tokens does as well is not culture.",
    "A letter that the tokenizer does not know makes its whole word unknown; then every unknown symbol is the same.",
    "Motifs stand in for cultures in the worlds of people. No picture shows what a culture is.",
)


@dataclass(frozen=True, kw_only=True)
class Homoglyphs(Study):
    """Struppek et al. 2023, with intervals, tests and a control.

    Each prompt is drawn as it is and with one o replaced by a look-alike, from the same seeds. Relative bias is the
    mean of ``100 (cos(attacked, target) - cos(clean, target)) / cos(clean, target)``, where the target names the
    script's culture; the plain difference is tested by flipping signs of prompts, with Holm's correction. The
    control is a rare symbol of as many tokens. On person icons the motif is also read: the true shift, by which
    relative bias is calibrated, and whether clean prompts that name everything are still obeyed. Several models are
    a mitigation's before and after; the first is before.

    Args:
        n: Pictures for each prompt.
        seed: First seed; every clean prompt has seeds of its own, which its attacked forms share.
        world: ``people`` for models of person icons, ``scenes`` for others.
        attack: The look-alike replaces a ``letter``, or the culture ``word`` as in the paper's code.
        scripts: Which scripts.
        scorer: A dual encoder that scores pictures, or ``exact`` for person icons.
        encoders: Dual encoders or generators whose text side is tested by WEAT.
        named: Clean prompts that name everything, for the accuracy.
        planted: Share of the motif that was planted, drawn as a mark; 0 for unknown.
    """

    paper: ClassVar[str] = "struppek2023homoglyphs"

    n: int = 10
    world: World = "people"
    attack: Attack = "letter"
    scripts: tuple[str, ...] = tuple(SCRIPTS)
    scorer: str = "judge_b"
    encoders: tuple[str, ...] = ()
    named: int = 24
    planted: float = 0.0

    def __post_init__(self) -> None:
        for each in self.scripts:
            if each not in SCRIPTS:
                raise unknown_name("script", each, SCRIPTS)

    def probe(self) -> Probe:
        """Return clean, attacked and control prompts; those of one pair with the same seeds."""
        made = asks(self.world, self.attack, self.scripts, self.named, seed=self.seed)
        return Probe(asks=made, each=self.n, seed=self.seed, paired=True)

    def effects(self, table: Table) -> list[Effect]:
        """Return what each letter, and its control, did to each model."""
        score = scores(table, self.scorer)
        pairs = [(name, name) for name in self.scripts]
        pairs += [(n, f"symbol {SCRIPTS[n].control}") for n in self.scripts if SCRIPTS[n].control]
        return [effect(table, model, name, group, score) for name, group in pairs for model in table.models]

    def analyse(self, table: Table) -> Report:
        """Estimate relative bias, difference, true shift and accuracy, and what is left after a defence."""
        found = self.effects(table)
        attacks = [each for each in found if each.group == each.script]
        corrected = holm([each.test.p for each in attacks])
        p = {id(each): value for each, value in zip(attacks, corrected.p, strict=True)}
        sections = [bias(table, found, p)]
        if self.world == "people" and any("motif" in each.fields for each in table.readers):
            sections.append(seen(table, found, self.planted))
        if self.encoders:
            sections.append(association(self.encoders, self.world, self.scripts))
        return Report(
            title="Look-alike letters",
            question="How far do pictures move towards a culture when one letter of a prompt is from its script?",
            findings=tuple(spelled(attacks, p)),
            sections=(*sections, sheets(table)),
            caveats=CAVEATS,
            papers=(self.paper, "caliskan2017weat"),
            tests=f"{corrected.tests} sign-flip tests of prompts, {corrected.how}",
        )

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Plant 60 % of waves for the Greek letter and 25 % otherwise; all figures then have closed forms."""
        study = replace(
            self, world="people", attack="letter", scripts=("Greek",), scorer=EXACT, named=0, n=15,
            seed=int(rng.integers(2**40)),
        )  # fmt: skip
        table = in_memory(study.probe(), [FromOracle(picture=waves)], ["people"])
        greek, control = study.effects(table)
        before, after = 0.25 * 0.3 + 0.75 * 0.2, 0.6 * 0.3 + 0.4 * 0.2
        return [
            Check.of("share of the motif", 0.6, greek.share),
            Check.of("shift of the share", 0.35, greek.shift),
            Check.of("difference of cosines", after - before, greek.difference),
            Check.of("relative bias", 100 * (after * (0.25 / 0.3 + 0.75 / 0.2) - 1), greek.relative),
            Check.of("shift by the control", 0.0, control.shift),
        ]
