"""What a study is: options, a probe, an analysis, and a world in which its answer is known."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from limn.audit.measure import Measure
from limn.audit.probe import Probe
from limn.audit.report.parts import Report
from limn.audit.statistics.estimate import Estimate
from limn.audit.table import Table
from limn.kernel import options, registry
from limn.kernel.errors import InputError

KIND = "studies"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One estimate of a quantity whose true value is known.

    Args:
        name: What is estimated.
        truth: Its planted value.
        estimate: What the audit estimated; None for "not estimable".
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
        value, low, high, level = estimate.value, estimate.low, estimate.high, estimate.level
        return cls(name=name, truth=truth, estimate=value, low=low, high=high, level=level)

    @property
    def covered(self) -> bool | None:
        """Whether the interval holds the truth; None where it could not be estimated."""
        return None if self.low is None or self.high is None else self.low <= self.truth <= self.high


@dataclass(frozen=True, kw_only=True)
class Study(registry.Part):
    """A published question as a piece of software.

    A study is a frozen, keyword-only dataclass of this base; its fields are its options, and the first paragraph of
    its docstring is its line in ``limn audit list``. One in ``audit/studies/``, or of an installed package (entry
    point group ``limn.studies``), is known by name on the command line; one from any other file is an object for
    :func:`limn.audit.run.audit`. A study whose probe is empty draws nothing; it looks into an encoder that its
    fields ``encoder`` and ``against`` name.

    Args:
        n: Pictures for each prompt.
        seed: First seed.

    >>> from limn.audit.probe import Ask
    >>> @dataclass(frozen=True, kw_only=True)
    ... class Cooks(Study):
    ...     '''How many cooks are women.'''
    ...
    ...     def probe(self):
    ...         return Probe(asks=(Ask(prompt="a cook", group="cook"),), each=self.n, seed=self.seed)
    ...
    ...     def analyse(self, table):
    ...         return Report(title="Cooks", question=str(table.counts("gender")))
    >>> Cooks(n=2).probe().total
    2
    """

    paper: ClassVar[str] = ""
    readers: ClassVar[tuple[str, ...]] = ("people",)
    """Readers used unless others are named."""

    needs: ClassVar[tuple[str, ...] | None] = None
    """Columns beside prompt and file that it needs of a table of pictures; None where it takes none."""
    usual: ClassVar[Mapping[str, str]] = {}
    """Slots of pictures in such a table that need not be given."""
    fits: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Options for models that draw ``people`` icons, ``pictograms``, ``shapes`` or ``photos``, where not given."""
    refuses: ClassVar[Mapping[str, str]] = {}
    """Why it takes no ``prompts`` or no ``reference`` of one's own, and what to do instead."""

    n: int = 50
    seed: int = 0

    @property
    def reads(self) -> tuple[str, ...]:
        """Fields that the analysis counts."""
        return ()

    @property
    def read_by(self) -> tuple[str, ...]:
        """Names of the readers that suit the options, where nobody names others."""
        return self.readers

    @classmethod
    def fitting(cls, draws: Callable[[], str], given: Collection[str]) -> Mapping[str, Any]:
        """Return options that suit what a model draws, those that were given apart.

        Args:
            draws: Returns what the model draws; asked only where it matters.
            given: Names of options that were given.
        """
        fits = cls.fits.get(draws(), {}) if cls.fits else {}
        return {name: value for name, value in fits.items() if name not in given}

    def taking(self, name: str, path: Path) -> Self:
        """Return the study with a file of one's own in place of its ``prompts`` or ``reference``.

        Raises:
            InputError: If it has no such option, or the file cannot be used; the message says what to do.
        """
        if name not in {option.name for option in dataclasses.fields(self)}:
            why = self.refuses.get(name, "takes none; leave it out")
            raise InputError(f"{name}: {registry.name_of(self)} {why}")
        study = dataclasses.replace(self, **{name: str(path)})  # type: ignore[arg-type]
        study.probe()
        return study

    def require(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Refuse readers that do not read what is analysed; asked before anything is drawn.

        Args:
            fields: What is read, with the values that each field can take; none where it is a number.

        Raises:
            InputError: With what nobody reads.
        """

    @abstractmethod
    def probe(self) -> Probe:
        """Return what is asked of each model."""

    @abstractmethod
    def analyse(self, table: Table) -> Report:
        """Estimate and tell; ``table.models`` has one name, or two to compare."""

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return the means over prompts by which runs of the study are compared; none if it has none.

        Args:
            table: All rows.
            model: Which model.
            decided: Only those that readers with scores decide, to be looked at over thresholds.
        """
        return ()

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Do one small audit of an oracle with planted habits, and return what was estimated beside the truth.

        Nothing where nobody has planted a truth.
        """
        return ()


def names() -> list[str]:
    """Return the names of all studies, sorted."""
    return registry.names(KIND)


def parse(text: str, draws: Callable[[], str] | None = None, given: Collection[str] = ()) -> Study:
    """Build a study from text such as ``"stereotypes:n=100,seed=3"``.

    Args:
        text: Name and options.
        draws: Returns what the model draws, for defaults that fit it.
        given: Options that are given elsewhere.

    Raises:
        InputError: If there is no such study or option, or a value does not fit.
    """
    record = options.fields(text)
    part = registry.find(KIND, record["name"])
    fits = part.fitting(draws, {*record, *given}) if draws is not None and issubclass(part, Study) else {}
    return build({**fits, **record})


def build(record: Mapping[str, Any]) -> Study:
    """Build a study from its record, as an audit's folder keeps it.

    Raises:
        InputError: If there is no such study or option, or a value does not fit.
    """
    study = registry.build(KIND, record)
    if not isinstance(study, Study):
        raise InputError(
            f"study {record['name']}: its class does not derive from limn.Study; ask its author to mend it"
        )
    return study
