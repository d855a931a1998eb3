"""What one look-alike letter from another script does to the pictures of a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limn.audit.measure import Measure
from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.studies.homoglyphs.measures import Effect, accuracy, associations, effect, paired_scores
from limn.audit.studies.homoglyphs.page import report
from limn.audit.studies.homoglyphs.prompts import SCRIPTS, Attack, World, asks, own_templates
from limn.audit.studies.homoglyphs.text_embeddings import EXACT, scores
from limn.audit.study import Check, Study
from limn.audit.table import Table, nobody_reads
from limn.kernel.errors import InputError, unknown_name


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
        prompts: A CSV file of prompts of one's own, column ``prompt``, with a # where the word of a culture goes, as
            in "a photo of the # bridge"; limn's own if empty.
        world: ``people`` for models of person icons, ``scenes`` for others, and for prompts of one's own.
        attack: The look-alike replaces a ``letter``, or the culture ``word`` as in the paper's code.
        scripts: Which scripts.
        scorer: A dual encoder that scores pictures, or ``exact`` for person icons.
        encoders: Dual encoders or generators whose text side is tested by WEAT.
        named: Clean prompts that name everything, for the accuracy.
        planted: Share of the motif that was planted, drawn as a mark; 0 for unknown.
    """

    paper: ClassVar[str] = "struppek2023homoglyphs"
    needs: ClassVar[tuple[str, ...]] = ("group", "pair", "target")

    fits: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "pictograms": {"world": "scenes"},
        "photos": {"world": "scenes"},
    }
    refuses: ClassVar[Mapping[str, str]] = {
        "reference": "compares with clean prompts; where the planted share is known say planted=SHARE"
    }

    n: int = 10
    prompts: str = ""
    world: World = "people"
    attack: Attack = "letter"
    scripts: tuple[str, ...] = tuple(SCRIPTS)
    scorer: str = "judge_b"
    encoders: tuple[str, ...] = ()
    named: int = 24
    planted: float = 0.0

    def __post_init__(self) -> None:
        for name in self.scripts:
            if name not in SCRIPTS:
                raise unknown_name("script", name, SCRIPTS)
        if self.prompts and (self.world != "scenes" or self.scorer == EXACT):
            raise InputError("prompts: are asked of models that draw scenes; add world=scenes and a dual encoder")

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields that are counted."""
        return ("motif",)

    @property
    def read_by(self) -> tuple[str, ...]:
        """Nobody, where no motif is planted."""
        return self.readers if self.world == "people" else ()

    def probe(self) -> Probe:
        """Return clean, attacked and control prompts; those of one pair with the same seeds."""
        own = own_templates(Path(self.prompts)) if self.prompts else None
        made = asks(self.world, self.attack, self.scripts, self.named, seed=self.seed, own=own)
        return Probe(asks=made, each=self.n, seed=self.seed, paired=True)

    def require(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Refuse readers of no motif where the scorer needs it."""
        if self.scorer == EXACT and "motif" not in fields:
            raise nobody_reads("motif")

    def effects(self, table: Table) -> list[Effect]:
        """Return what each letter, and its control, did to each model."""
        score = scores(table, self.scorer)
        pairs = [(name, name) for name in self.scripts]
        pairs += [(n, f"symbol {SCRIPTS[n].control}") for n in self.scripts if SCRIPTS[n].control]
        return [effect(table, model, name, group, score) for name, group in pairs for model in table.models]

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return by how much each script's letter changes the cosine with its culture."""
        if decided:
            return ()
        score, measures = scores(table, self.scorer), []
        for name in self.scripts:
            pairs, cosines = paired_scores(table, model, name, name, score)
            prompts = [clean.pair for clean, _ in pairs]
            change = cosines[:, 1] - cosines[:, 0]
            title = f"{name}: change of the cosine"
            measures.append(Measure(name=title, values=change, prompts=prompts, share=False))
        return measures

    def analyse(self, table: Table) -> Report:
        """Estimate relative bias, difference, true shift and accuracy, and what is left after a defence."""
        reads = self.world == "people" and any("motif" in reader.fields for reader in table.readers)
        return report(
            table,
            self.effects(table),
            accuracy(table) if reads else None,
            associations(self.encoders, self.world, self.scripts),
            planted=self.planted,
        )

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Plant 60 % of waves for the Greek letter and 25 % otherwise; all figures then have closed forms.

        Of another oracle each prompt has a share of its own, from 0 to 50 %: changes of either sign, 0 on average.
        """
        study = replace(
            self, world="people", attack="letter", scripts=("Greek",), scorer=EXACT, named=0, n=15,
            seed=int(rng.integers(2**40)),
        )  # fmt: skip
        probe = study.probe()
        shares = {ask.prompt: float(rng.uniform(0, 0.5)) for ask in probe.asks}
        either = FromOracle(picture=lambda ask, seed: waves(ask, seed, shares[ask.prompt]), name="either")
        table = in_memory(probe, [FromOracle(picture=waves), either], ["people"])
        greek, both, control, _ = study.effects(table)
        before, after = 0.25 * 0.3 + 0.75 * 0.2, 0.6 * 0.3 + 0.4 * 0.2
        return [
            Check.of("share of the motif", 0.6, greek.share),
            Check.of("shift of the share", 0.35, greek.shift),
            Check.of("difference of cosines", after - before, greek.difference),
            Check.of("relative bias", 100 * (after * (0.25 / 0.3 + 0.75 / 0.2) - 1), greek.relative),
            Check.of("shift by the control", 0.0, control.shift),
            Check.of("shift of either sign", 0.0, both.shift),
        ]


def waves(ask: Ask, seed: int, share: float = 0.6) -> NDArray[np.uint8]:
    """Draw a person whose motif is a wave in this share of pictures where a letter is disguised, else in 25 %."""
    from limn.data.people import FIELDS, Person, render

    rng = np.random.default_rng([seed, *ask.prompt.encode()])
    values = {name: str(rng.choice(known)) for name, known in FIELDS.items()}
    values["profession"] = ask.slots["profession"]
    if ask.group in SCRIPTS:
        others = [motif for motif in FIELDS["motif"] if motif != "wave"]
        values["motif"] = "wave" if rng.random() < share else str(rng.choice(others))
    return render(Person(**values))
