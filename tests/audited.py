"""A small audit of an oracle, for tests and for the process that they kill."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from limn.audit.probe import Ask, Probe
from limn.audit.run import gather
from limn.audit.sources import Drawing, FromPeople
from limn.data.people import Population, Rule, prompts


def probe(each: int = 20, *, seed: int = 0, paired: bool = False) -> Probe:
    asks = tuple(Ask(prompt=one.text, slots=one.fields, group=one.fields["profession"]) for one in prompts())
    return Probe(asks=asks, each=each, seed=seed, paired=paired)


def population(share: float = 0.3) -> Population:
    return Population(rules=(Rule(field="gender", shares={"woman": share, "man": 1 - share}),))


@dataclass(frozen=True, kw_only=True, eq=False)
class Slow(FromPeople):
    """Draws in small batches, and takes its time."""

    batch: int = 7
    seconds: float = 0.0

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterable[Drawing]:
        time.sleep(self.seconds)
        return super().draw(asks, seeds)


if __name__ == "__main__":
    source = Slow(population=population(), failing=0.05, seconds=0.05)
    for event in gather(probe(), [source], ["people"], Path(sys.argv[1])):
        print(event if hasattr(event, "stage") else "done", flush=True)
