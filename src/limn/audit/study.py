"""What a study is: options, a probe, an analysis, and a world in which its answer is known."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.statistics.estimate import Estimate
from limn.audit.table import Table
from limn.kernel import options, registry
from limn.kernel.errors import unknown_name

__all__ = ["Check", "Study", "find", "names", "parse"]

KIND = "studies"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One estimate of a quantity whose true value is known.

    Args:
        name: What is estimated.
        truth: Its planted value.
        estimate: What the audit said; None for "not estimable".
        low: Lower end of its interval.
        high: Upper end.
        level: How often such intervals should hold the truth.
    """

    name: str
    truth: float
    estimate: float | None
    low: float | None
    high: float | None
    level: float = 0.95

    @classmethod
    def of(cls, name: str, truth: float, estimate: Estimate) -> Check:
        """Return an estimate beside the truth."""
        return cls(
            name=name,
            truth=truth,
            estimate=estimate.value,
            low=estimate.low,
            high=estimate.high,
            level=estimate.level,
        )

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the truth; None where it could not be estimated."""
        return None if self.low is None or self.high is None else self.low <= self.truth <= self.high


@dataclass(frozen=True, kw_only=True)
class Study(registry.Part):
    """A published question as a piece of software.

    A study is a frozen, keyword-only dataclass of this base, in ``audit/studies/NAME.py``, of the name in
    CamelCase; its fields are its options. A study whose probe is empty draws nothing; it looks into an encoder that
    its fields ``encoder`` and ``against`` name.

    Args:
        n: Pictures for each prompt.
        seed: First seed.
    """

    paper: ClassVar[str] = ""
    readers: ClassVar[tuple[str, ...]] = ("people",)
    """Readers used unless others are named."""

    n: int = 50
    seed: int = 0

    @property
    def read_by(self) -> tuple[str, ...]:
        """Names of the readers that suit the options, where nobody names others."""
        return self.readers

    @abstractmethod
    def probe(self) -> Probe:
        """Return what is asked of each model."""

    @abstractmethod
    def analyse(self, table: Table) -> Report:
        """Estimate and tell; ``table.models`` has one name, or two to compare."""

    @abstractmethod
    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Do one small audit of an oracle with planted habits, and return what was estimated beside the truth."""


def names() -> list[str]:
    """Return the names of all studies, sorted."""
    return [each for each in registry.names(KIND) if issubclass(registry.find(KIND, each), Study)]


def find(name: str) -> type[Study]:
    """Return the class of a study.

    Raises:
        InputError: If there is none; the message has the nearest name.
    """
    if name not in names():
        raise unknown_name("study", name, names())
    found = registry.find(KIND, name)
    assert issubclass(found, Study)
    return found


def parse(text: str) -> Study:
    """Build a study from text such as ``"stereotypes:n=100,seed=3"``.

    Raises:
        InputError: If there is no such study or option, or a value does not fit.
    """
    wanted = options.fields(text)
    find(wanted["name"])
    study = registry.build(KIND, wanted)
    assert isinstance(study, Study)
    return study
