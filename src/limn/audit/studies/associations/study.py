"""With which words a dual encoder associates pictures of people: the judge, not the painter, is audited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.statistics.shares import ratio
from limn.audit.studies.associations.measures import associated, measured
from limn.audit.studies.associations.page import report
from limn.audit.studies.associations.pictures import People, drawn_people, pictograms
from limn.audit.studies.associations.prompts import PAIRS, own_pairs
from limn.audit.study import Check, Study
from limn.audit.synthetic import associated_cosines
from limn.audit.table import Table
from limn.kernel.errors import unknown_name


@dataclass(frozen=True, kw_only=True)
class Associations(Study):
    """Wolfe et al. 2023 on any dual encoder, with harmless attributes in place of theirs.

    Pictures come in pairs that differ in gender alone. EAT: are pictures of the first group nearer to one attribute
    than to its opposite, compared with the second? SC-EAT: is one attribute nearer to the first group? The paper's
    captions: does the encoder choose a caption that names the profession equally often? Its professionals: the same
    association by profession. Attributes are said in six templates, averaged; each template's d is listed. Tests
    move whole subjects, two-sided, with Holm's correction in each table. The paper's fourth experiment, which
    generates, is left out.

    Args:
        n: Pairs of pictures at most.
        seed: Decides which.
        encoder: A dual encoder shipped with limn, or the folder of one, of a CLIP or of a SigLIP model.
        against: Another one to compare with; none if empty.
        world: ``pictograms`` of people at work, or person icons (``people``).
        folder: Where the pictograms are.
        prompts: A CSV file of attributes of one's own: ``pair`` (its name), ``first`` and ``second``, as in
            "calm/angry,who is calm,who is angry"; limn's own if empty.
        pairs: Which attributes, of the file or of :data:`limn.audit.studies.associations.prompts.PAIRS`.
    """

    paper: ClassVar[str] = "wolfe2023contrastive"
    readers: ClassVar[tuple[str, ...]] = ()

    refuses: ClassVar[Mapping[str, str]] = {"reference": "compares two encoders; name the other with --against"}

    n: int = 300
    encoder: str = "judge_b"
    against: str = ""
    world: Literal["pictograms", "people"] = "pictograms"
    folder: str = "data/pictograms"
    prompts: str = ""
    pairs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pair in () if self.prompts else self.pairs:
            if pair not in PAIRS:
                raise unknown_name("pair of attributes", pair, PAIRS)

    @property
    def chosen(self) -> dict[str, tuple[str, str]]:
        """The attributes by name, two and two."""
        known = own_pairs(Path(self.prompts)) if self.prompts else PAIRS
        for pair in self.pairs:
            if pair not in known:
                raise unknown_name(f"pair of attributes of {self.prompts}", pair, known)
        return {name: known[name] for name in self.pairs or known}

    def probe(self) -> Probe:
        """Return nothing to draw; attributes that cannot be used are refused."""
        _ = self.chosen
        return Probe(asks=(), each=1, seed=self.seed)

    def analyse(self, table: Table) -> Report:
        """Measure associations of one encoder, or of two."""
        from limn.models.dual_encoders import load

        people = self.people()
        encoders = [measured(load(name), people, self.chosen) for name in (self.encoder, self.against) if name]
        return report(encoders, people)

    def people(self) -> People:
        """Return the pictures."""
        if self.world == "people":
            return drawn_people(self.n, self.seed)
        return pictograms(Path(self.folder), self.n, self.seed)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Plant d = 0, 0.5 and 1 in cosines, or 1 in few subjects, and captions that name a group half as often."""
        checks = []
        for d in (0.0, 0.5, 1.0):
            scores, second, subjects = associated_cosines(rng, d)
            association = associated(scores, second, subjects, seed=int(rng.integers(2**31)))
            checks.append(Check.of(f"effect, planted {d}", d, association.effect))
        checks.append(Check.of("difference of cosines", 0.05 / np.sqrt(0.75), association.raw))
        for many in (2, 3, 4, 8):
            few = associated(*associated_cosines(rng, 1.0, many), seed=int(rng.integers(2**31)))
            checks.append(Check.of(f"difference of cosines, {many} subjects", 0.05 / np.sqrt(0.75), few.raw))
        named = rng.binomial(150, (0.4, 0.8))
        checks.append(Check.of("ratio of named captions", 0.5, ratio(int(named[0]), 150, int(named[1]), 150)))
        return checks
