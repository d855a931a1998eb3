"""How often the intervals of the audit statistics hold the planted truth, and what the naive ones do.

Every figure is the share of audits, each with fresh random counts, whose nominal 95 % interval contains the truth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from benchmarks.kit.intervals import share as recorded
from benchmarks.kit.run import run
from limn.audit.statistics.clustered import clustered_share
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.measurement_error import rogan_gladen
from limn.audit.statistics.replication import excess_replication
from limn.audit.statistics.shares import newcombe, persistence, share
from limn.audit.statistics.slopes import logit, logit_slope

AUDITS = 1000
REFERENCE = np.array([0.1, 0.2, 0.3, 0.4, 0.55, 0.7, 0.8, 0.9])
Audit = Callable[[np.random.Generator, int], Estimate]


def covered(audit: Audit, truth: float) -> dict[str, float]:
    """Return the share of audits that hold the truth."""
    rng = np.random.default_rng(0)
    return recorded(sum(audit(rng, seed).covers(truth) for seed in range(AUDITS)), AUDITS)


def prompts(many: int, spread: float, *, pooled: bool = False) -> dict[str, float]:
    """Cover the mean share over prompts whose log odds differ; 40 pictures each."""
    truth = float(expit(np.random.default_rng(1).normal(0.4, spread, 4_000_000)).mean())

    def audit(rng: np.random.Generator, seed: int) -> Estimate:
        values = rng.binomial(1, np.repeat(expit(rng.normal(0.4, spread, many)), 40)).astype(float)
        if pooled:
            return share(int(values.sum()), len(values))
        return clustered_share(values, np.repeat(np.arange(many), 40))

    return covered(audit, truth)


def read(p: float, se: float, sp: float, *, naive: bool = False) -> dict[str, float]:
    """Cover a share read by an erring reader: 400 pictures, 200 + 200 for calibration."""

    def audit(rng: np.random.Generator, _: int) -> Estimate:
        k, a, b = (int(rng.binomial(*each)) for each in ((400, p * se + (1 - p) * (1 - sp)), (200, se), (200, sp)))
        if naive:
            return share(k, 400)
        return rogan_gladen(k, 400, right_positives=a, positives=200, right_negatives=b, negatives=200)

    return covered(audit, p)


def copied(rate: float) -> dict[str, float]:
    """Cover the share of copies: 500 generated and 1000 held-out pictures."""

    def similar(rng: np.random.Generator, copies: float, n: int) -> np.ndarray:
        return np.where(rng.random(n) < copies, 0.95 + 0.05 * rng.random(n), 0.8 * rng.beta(4, 4, n))

    return covered(
        lambda rng, seed: excess_replication(similar(rng, rate, 500), similar(rng, 0, 1000), seed=seed), rate
    )


def sloped(slope: float) -> dict[str, float]:
    """Cover the slope on the reference: 8 concepts of 200 pictures."""
    total, chance = np.full(8, 200), expit(slope * logit(REFERENCE))
    return covered(lambda rng, _: logit_slope(rng.binomial(200, chance), total, REFERENCE), slope)


def measure() -> dict[str, Any]:
    """Return the share of audits whose interval holds the truth, by what is estimated."""
    draw = np.random.Generator.binomial
    return {
        "audits": AUDITS,
        "share .97 of 25": covered(lambda rng, _: share(draw(rng, 25, 0.97), 25), 0.97),
        "share .9 of 9": covered(lambda rng, _: share(draw(rng, 9, 0.9), 9), 0.9),
        "difference .5 - .3 of 60": covered(
            lambda rng, _: newcombe(draw(rng, 60, 0.5), 60, draw(rng, 60, 0.3), 60), 0.2
        ),
        "persistence .6 of 100": covered(
            lambda rng, _: persistence(draw(rng, 100, 0.54), 100, draw(rng, 100, 0.9), 100), 0.6
        ),
        "30 prompts that differ": prompts(30, 1.0),
        "30 prompts that differ, pictures pooled (naive)": prompts(30, 1.0, pooled=True),
        "30 prompts alike": prompts(30, 0.0),
        "10 prompts that differ (t)": prompts(10, 1.0),
        "reader .85/.95, share .8": read(0.8, 0.85, 0.95),
        "reader .85/.95, share .8, uncorrected (naive)": read(0.8, 0.85, 0.95, naive=True),
        "reader .7/.8, share .2": read(0.2, 0.7, 0.8),
        **{f"copies {100 * rate:g} %": copied(rate) for rate in (0.0, 0.02, 0.1)},
        **{f"slope {slope:g}": sloped(slope) for slope in (0.5, 1.0, 2.0)},
    }


if __name__ == "__main__":
    run(measure)
