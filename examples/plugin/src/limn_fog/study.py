"""Lighting: how often a model's pictures are hazy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limn import Study
from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Figure, Figures, Report, Section
from limn.audit.statistics.shares import share
from limn.audit.study import Check
from limn.audit.table import Table

__all__ = ["Lighting"]


@dataclass(frozen=True, kw_only=True)
class Lighting(Study):
    """Narasimhan and Nayar 2002, asked of a model: how often is what it draws hazy?

    Args:
        n: Pictures for each prompt.
        seed: First seed.
    """

    paper: ClassVar[str] = """@article{narasimhan2002vision,
  title   = {Vision and the Atmosphere},
  author  = {Narasimhan, Srinivasa G. and Nayar, Shree K.},
  journal = {International Journal of Computer Vision},
  year    = {2002},
}"""
    readers: ClassVar[tuple[str, ...]] = ("haze",)

    n: int = 20

    def probe(self) -> Probe:
        """Return two prompts, each its own group."""
        things = ("a red heart", "a yellow star")
        return Probe(asks=tuple(Ask(prompt=thing, group=thing) for thing in things), each=self.n, seed=self.seed)

    def analyse(self, table: Table) -> Report:
        """Count hazy pictures of each model and group."""
        rows = []
        for model in table.models:
            for group in table.groups:
                part = table.of(model=model, group=group)
                account = part.account("haze")
                hazy = share(part.counts("haze").get("hazy", 0), account.readable)
                rows.append(Figure.of(group, hazy, account, model=model))
        return Report(
            title="Lighting",
            question="Which share of the pictures is hazy?",
            findings=tuple(f"{row.name}: {row.value:.0%} are hazy." for row in rows if row.value is not None),
            sections=(Section(title="Haze", parts=(Figures(title="Hazy pictures", rows=tuple(rows)),)),),
            caveats=("A picture of one colour is neither hazy nor clear.",),
            papers=(self.paper,),
        )

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Estimate a share of hazy pictures that is known."""
        return [Check.of("hazy", 0.3, share(int(rng.binomial(100, 0.3)), 100))]
