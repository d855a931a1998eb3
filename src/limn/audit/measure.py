"""What runs are compared by: means over prompts, kept prompt by prompt so that two runs can be paired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limn.audit.group_shares import Readings
from limn.audit.rows import ReaderFacts
from limn.audit.statistics.clustered import clustered_mean, clustered_share, paired_difference, unpaired_difference
from limn.audit.statistics.estimate import Difference, Estimate, Share, Significance
from limn.audit.statistics.measurement_error import behind, calibrated_difference, calibrated_mean, rates_of
from limn.audit.statistics.permutation import sign_flip, two_samples
from limn.audit.statistics.resampling import Floats, by_prompt


@dataclass(frozen=True, kw_only=True, eq=False)
class Measure:
    """A mean over prompts.

    Args:
        name: What it is.
        values: One figure a picture (n,); NaN where it cannot be read.
        prompts: The prompt of each (n,), or what else was sampled.
        unit: What was sampled, in words.
        share: Whether values are from 0 to 1.
        readers: Who read them; nobody if empty.
        readings: What a correction for the reader's errors rests on, by prompt; nothing where there is none.
    """

    name: str
    values: Floats
    prompts: Sequence[str]
    unit: str = "prompts"
    share: bool = True
    readers: tuple[ReaderFacts, ...] = ()
    readings: Mapping[str, Readings] | None = None

    def estimate(self) -> Estimate:
        """Return the mean over prompts."""
        if not self.readings:
            mean = clustered_share if self.share else clustered_mean
            return mean(self.values, np.asarray(self.prompts, str))
        figures = calibrated_mean(lambda rates: np.array([*self.figures(rates).values()]), self._confusion, n=self.n)
        return figures.as_a(Share)

    @property
    def read_by(self) -> str:
        """Names and versions of the readers."""
        return ", ".join(f"{reader.name} {reader.version}".strip() for reader in self.readers) or "nobody"

    @property
    def n(self) -> int:
        """Pictures that were read."""
        return int((~np.isnan(self.values)).sum())

    def figures(self, rates: Floats | None = None) -> dict[str, float]:
        """Return the figure of each prompt, behind the reader's errors at given rates or at the counted ones."""
        if not self.readings:
            groups = by_prompt(self.values, np.asarray(self.prompts, str))
            return {str(name): float(group.mean()) for name, group in groups.items()}
        known = rates_of(self._confusion) if rates is None else rates
        shares = {name: behind(r.counts, r.truths, known, r.among)[r.of] for name, r in self.readings.items()}
        return {name: float(share) for name, share in shares.items() if not np.isnan(share)}

    @property
    def _confusion(self) -> Floats:
        return np.asarray(next(iter((self.readings or {}).values())).confusion, float)

    def why_not(self, other: Measure) -> str:
        """Return why it cannot be compared with another; empty if it can."""
        one, two = ([(r.name, r.version, r.threshold) for r in m.readers] for m in (self, other))
        if one != two:
            return f"was read by {self.read_by} and {other.read_by}; let one reader read both (limn audit read)"
        if bool(self.readings) != bool(other.readings):
            return "only one is corrected for its reader's errors; calibrate both"
        if self.readings and not np.array_equal(self._confusion, other._confusion):
            return "the reader's errors were counted on other pictures; calibrate both by one table"
        return ""

    def less(self, other: Measure) -> tuple[Difference, Significance, bool]:
        """Return the difference to another run's, its test, and whether prompts were paired.

        Prompts that both have are paired, and only these count; where they share none, the prompts of each run are a
        sample of their own. The test flips signs of prompts, or rearranges them.
        """
        one, two = self.figures(), other.figures()
        both = [name for name in one if name in two]
        names = (both, both) if len(both) > 1 else (list(one), list(two))
        first, second = (
            np.array([known[name] for name in chosen]) for known, chosen in zip((one, two), names, strict=True)
        )
        paired = len(both) > 1
        test = sign_flip(first - second) if paired else two_samples(first, second)
        return self._difference(other, names, paired=paired), test, paired

    def _difference(self, other: Measure, names: tuple[list[str], list[str]], *, paired: bool) -> Difference:
        if not self.readings:
            difference = paired_difference if paired else unpaired_difference
            pairs = ((m.values, np.asarray(m.prompts, str)) for m in (self, other))
            return difference(*next(pairs), *next(pairs))

        def figures(rates: Floats) -> list[Floats]:
            known = (m.figures(rates) for m in (self, other))
            return [
                np.array([k.get(name, np.nan) for name in chosen]) for k, chosen in zip(known, names, strict=True)
            ]

        n = self.n + other.n
        if paired:
            return calibrated_mean(lambda rates: np.subtract(*figures(rates)), self._confusion, n=n)
        return calibrated_difference(figures, self._confusion, n=n)
