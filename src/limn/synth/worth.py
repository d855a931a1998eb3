"""The page of a comparison: accuracy by arm, differences paired by seed, learning curves, gaps and leaks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Curves, Figure, Figures, Line, Listing, Part, Report, Section
from limn.audit.report.write import write
from limn.audit.statistics.estimate import Difference, Estimate, check_level, t_quantile
from limn.audit.table import Table
from limn.synth.comparison import Plan, Result
from limn.synth.labelled import Labelled
from limn.synth.near import Prints

MEAN = "mean of the domains"


def over_seeds(values: Sequence[float], *, level: float = 0.95) -> Estimate:
    """Return the mean over seeds with its t interval.

    >>> print(over_seeds([0.5, 0.6, 0.7]))
    0.600 [0.352, 0.848] (95 %, n = 3, t interval of 3 seeds)
    """
    many, value = len(values), float(np.mean(values))
    if many < 2:
        return Estimate.none("one seed only", n=many, level=check_level(level))
    half = t_quantile(level, many - 1) * float(np.std(values, ddof=1)) / math.sqrt(many)
    return Estimate(value, value - half, value + half, level, many, f"t interval of {many} seeds")


@dataclass(frozen=True, kw_only=True)
class Results:
    """What came of a comparison.

    Args:
        plan: What was compared.
        rows: All results.
    """

    plan: Plan
    rows: Sequence[Result]

    @property
    def tests(self) -> list[str]:
        """Names of the tests; the mean of the domains first, where one was left out in turn."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.right))
        return [MEAN, *names] if self.plan.leave_out else names

    def values(self, arm: str, classifier: str, number: int, test: str) -> list[float]:
        """Return the accuracy on a test for each seed, in order."""
        found: dict[int, list[float]] = {}
        for row in self.rows:
            if (row.arm, row.classifier, row.number) == (arm, classifier, number):
                right = [value for name, value in row.right.items() if test in (name, MEAN)]
                found.setdefault(row.seed, []).extend(right)
        return [float(np.mean(found[seed])) for seed in sorted(found)]

    def accuracy(self, arm: str, classifier: str, number: int, test: str) -> Estimate:
        """Return the mean accuracy of an arm."""
        return over_seeds(self.values(arm, classifier, number, test))

    def gain(self, arm: str, classifier: str, number: int, test: str) -> Difference:
        """Return the accuracy of an arm less that of the reference, paired by seed."""
        own, other = (self.values(name, classifier, number, test) for name in (arm, self.plan.reference))
        return over_seeds(np.subtract(own, other).tolist()).as_a(Difference)

    def gap(self, arm: str, classifier: str, number: int, pair: tuple[str, str]) -> Difference:
        """Return the accuracy on one test less that on another, paired by seed."""
        first, second = (self.values(arm, classifier, number, test) for test in pair)
        return over_seeds(np.subtract(first, second).tolist()).as_a(Difference)


def leaks(sources: Mapping[str, Labelled], tests: Mapping[str, Labelled]) -> Listing:
    """Return how many pictures of each source are nearly a test picture."""
    prints = {name: Prints(test.pictures) for name, test in tests.items()}
    rows: list[tuple[str | int, ...]] = []
    for name, source in sources.items():
        own = Prints(source.pictures)
        rows.append((name, len(source), *(sum(len(near) > 0 for near in own.near(one)) for one in prints.values())))
    return Listing(
        title="Pictures that are nearly a test picture",
        columns=("source", "pictures", *prints),
        rows=tuple(rows),
        note="By perceptual hash and colours; a set made with --not-in TEST has none.",
    )


def report(results: Results, leaked: Listing | None = None) -> Report:
    """Return the page of a comparison."""
    plan, sections = results.plan, []
    for text in plan.classifiers:
        parts: list[Part] = []
        for test in results.tests:
            parts += _of_test(results, text, test)
        parts += [_gaps(results, text, name, pair) for name, pair in plan.gaps.items()]
        sections.append(Section(title=f"Learned by {text}", parts=tuple(parts)))
    if leaked is not None:
        sections.append(Section(title="Leaks", parts=(leaked,)))
    return Report(
        title="What the pictures are worth",
        question="How many test pictures does a classifier name rightly, by what it learned from?",
        findings=tuple(_finding(results, text, test) for text in plan.classifiers for test in results.tests),
        sections=tuple(sections),
        caveats=(
            f"All arms took as many steps ({plan.epochs} epochs of the plain number of pictures); an arm that adds "
            "pictures sees each less often.",
            "Intervals are over seeds: other pictures of the same sources, first weights and orders, not other "
            "classes or tests.",
        ),
        papers=("sariyildiz2023fake", "yuan2024pretty"),
    )


def _finding(results: Results, text: str, test: str) -> str:
    number = max(results.plan.numbers)
    ranked = sorted(
        ((results.accuracy(arm, text, number, test).value or 0.0, arm) for arm in results.plan.arms), reverse=True
    )
    words = ", ".join(f"{arm} {value:.1%}" for value, arm in ranked)
    return f"{text}, {test}, {number} pictures of a class: {words}."


def _of_test(results: Results, text: str, test: str) -> list[Part]:
    """Return accuracy, gains and curves on one test."""
    plan, number = results.plan, max(results.plan.numbers)
    shares = tuple(Figure.of(arm, results.accuracy(arm, text, number, test)) for arm in plan.arms)
    gains = tuple(
        Figure.of(arm, results.gain(arm, text, number, test)) for arm in plan.arms if arm != plan.reference
    )
    parts: list[Part] = [
        Figures(title=f"{test}: pictures named rightly, {number} of a class", rows=shares, unit="seeds"),
        Figures(title=f"{test}: the same less {plan.reference}, paired by seed", rows=gains, zero=0.0, unit="seeds"),
    ]
    if len(plan.numbers) > 1:
        lines = tuple(_line(arm, plan.numbers, [results.accuracy(arm, text, n, test) for n in plan.numbers])
                      for arm in plan.arms)  # fmt: skip
        parts.append(Curves(title=f"{test}: learning curves", lines=lines, x="pictures of a class", y="accuracy"))
    swept = sorted((arm.at, name) for name, arm in plan.arms.items() if arm.at is not None)
    if len(swept) > 1:
        line = _line(
            test, [at for at, _ in swept], [results.accuracy(name, text, number, test) for _, name in swept]
        )
        parts.append(Curves(title=f"{test}: by {plan.axis or 'arm'}", lines=(line,), x=plan.axis, y="accuracy"))
    return parts


def _line(name: str, x: Sequence[float], estimates: Sequence[Estimate]) -> Line:
    y, low, high = ([float(getattr(one, end) or 0.0) for one in estimates] for end in ("value", "low", "high"))
    return Line(name=name, x=tuple(map(float, x)), y=tuple(y), low=tuple(low), high=tuple(high))


def _gaps(results: Results, text: str, name: str, pair: tuple[str, str]) -> Figures:
    number = max(results.plan.numbers)
    rows = tuple(Figure.of(arm, results.gap(arm, text, number, pair)) for arm in results.plan.arms)
    note = "A gap also shrinks where all accuracies fall: look at both tests above."
    return Figures(title=f"{name}: {pair[0]} less {pair[1]}", rows=rows, zero=0.0, note=note, unit="seeds")


def write_worth(folder: Path, made: Report, command: str) -> Path:
    """Write ``report.html`` and ``report.json`` of a comparison, and return the page."""
    empty = Table(probe=Probe(asks=(Ask(prompt=""),), each=1), rows=())
    return write(folder, made, empty, command=command, made_by="limn synth compare")
