"""With which words a dual encoder associates pictures of people: the judge, not the painter, is audited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from limn.audit.embedding_association import (
    GROUPS,
    PAIRS,
    TEMPLATES,
    People,
    associated,
    drawn_people,
    pictograms,
    planted,
)
from limn.audit.embedding_association_figures import told
from limn.audit.probe import Probe
from limn.audit.report.parts import Figures, Report, Section, Sheet
from limn.audit.statistics.shares import ratio
from limn.audit.study import Check, Study
from limn.audit.table import Table
from limn.kernel.errors import unknown_name

__all__ = ["Associations"]

CAVEATS = (
    "An association in an embedding space is not what anybody holds; it is what a score inherits that is built on "
    "the encoder.",
    "The effect d has no unit and saturates at the largest d for the sizes of its groups; the difference of cosines "
    "stands beside it.",
    "Groups are how pictures are drawn, by their labels. Only adults at work are shown, and nothing is generated.",
)


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
        pairs: Which attributes, of :data:`limn.audit.embedding_association.PAIRS`.
    """

    paper: ClassVar[str] = "wolfe2023contrastive"
    readers: ClassVar[tuple[str, ...]] = ()

    n: int = 300
    encoder: str = "judge_b"
    against: str = ""
    world: Literal["pictograms", "people"] = "pictograms"
    folder: str = "data/pictograms"
    pairs: tuple[str, ...] = tuple(PAIRS)

    def __post_init__(self) -> None:
        for each in self.pairs:
            if each not in PAIRS:
                raise unknown_name("pair of attributes", each, PAIRS)

    def probe(self) -> Probe:
        """Return nothing to draw."""
        return Probe(asks=(), each=1, seed=self.seed)

    def analyse(self, table: Table) -> Report:
        """Measure associations of one encoder, or of two."""
        from limn.models.dual_encoders import load

        people = self.people()
        sections = [told(load(name), people, self.pairs) for name in (self.encoder, self.against) if name]
        rows = [row for each in sections if isinstance(each.parts[0], Figures) for row in each.parts[0].rows]
        clear = [row for row in rows if row.p is not None and row.p < 0.05]
        listed = (f"{row.model}: {row.name}, d = {row.value:.2f}, p = {row.p:.2g} after Holm" for row in clear)
        sides = zip(GROUPS, (~people.second, people.second), strict=True)
        sheet = {group: [people.pictures[k] for k in np.flatnonzero(side).tolist()] for group, side in sides}
        return Report(
            title="Associations of pictures and words",
            question=f"Are pictures of a {GROUPS[0]} nearer to some words than those of a {GROUPS[1]}, else alike?",
            findings=tuple(listed) or ("No association stands out after correction.",),
            sections=(*sections, Section(title="Pictures", parts=(Sheet(title="Pairs", groups=sheet),))),
            caveats=CAVEATS,
            papers=(self.paper, "caliskan2017weat"),
            tests=f"Holm within each table; {len(TEMPLATES)} templates averaged; permutation by subject, two-sided",
        )

    def people(self) -> People:
        """Return the pictures."""
        if self.world == "people":
            return drawn_people(self.n, self.seed)
        return pictograms(Path(self.folder), self.n, self.seed)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Plant d = 0, 0.5 and 1 in cosines, and captions that name one group half as often."""
        checks = []
        for d in (0.0, 0.5, 1.0):
            scores, second, subjects = planted(rng, d)
            found = associated(scores, second, subjects, seed=int(rng.integers(2**31)))
            checks.append(Check.of(f"effect, planted {d}", d, found.effect))
        checks.append(Check.of("difference of cosines", 0.05 / np.sqrt(0.75), found.raw))
        named = rng.binomial(150, (0.4, 0.8))
        checks.append(Check.of("ratio of named captions", 0.5, ratio(int(named[0]), 150, int(named[1]), 150)))
        return checks
