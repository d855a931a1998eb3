"""How much of what a model draws is copied from what it learned, beyond chance resemblance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from limn.audit.measure import Measure
from limn.audit.probe import Ask, Probe
from limn.audit.reference.own import own_asks
from limn.audit.replication import Copies, Memory
from limn.audit.report.parts import Report
from limn.audit.run import in_memory
from limn.audit.studies.memorisation.page import report
from limn.audit.study import Check, Study
from limn.audit.synthetic import Copycat, pool
from limn.audit.table import Table
from limn.audit.training_sets import TrainingSet, open_set

PLANTED = (0.0, 0.02, 0.1)


@dataclass(frozen=True, kw_only=True)
class Memorisation(Study):
    """Carlini et al. 2023 and Somepalli et al. 2023, with a calibrated threshold.

    Every picture's similarity to the nearest training picture is compared with that of held-out pictures of the same
    law. The threshold is what 1 % of those exceed; R = (P(s > t) - 1 %) / 99 % is the share of copies beyond chance,
    with an interval for both samples. The adaptive ratio (distance to the nearest over half the mean distance to the
    50 nearest) is a second score, at the same false positives and at its published limit of 1. Where training
    pictures were repeated, the share that was extracted is set against how often. The most similar pictures are
    shown above their nearest training pictures.

    Args:
        n: Pictures for each prompt.
        seed: First seed.
        prompts: A CSV file of prompts of one's own, column ``prompt``, in place of captions.
        training: ``copied``, a folder of built pictograms, or a folder of pictures with captions.
        held: A folder of held-out pictures, where the training set is a folder of pictures.
        features: ``pixels``, or a dual encoder.
        through: A model through whose autoencoder held-out pictures go first, as its drawings do.
        rate: False positives that the threshold allows.
        neighbours: Nearest training pictures that set the scale of the adaptive ratio.
        most: Prompts at most, from training captions and as many from held-out ones.
    """

    paper: ClassVar[str] = "carlini2023extracting"
    needs: ClassVar[tuple[str, ...]] = ()
    readers: ClassVar[tuple[str, ...]] = ()

    fits: ClassVar[Mapping[str, Mapping[str, Any]]] = {"pictograms": {"training": "data/pictograms"}}
    refuses: ClassVar[Mapping[str, str]] = {
        "reference": "compares with training pictures; name them with training=FOLDER and held=FOLDER"
    }

    n: int = 50
    prompts: str = ""
    training: str = "copied"
    held: str = ""
    features: str = "pixels"
    through: str = ""
    rate: float = 0.01
    neighbours: int = 50
    most: int = 200

    @cached_property
    def _known(self) -> TrainingSet:
        return open_set(self.training, self.held)

    @cached_property
    def memory(self) -> Memory:
        """The training set, ready to be compared with."""
        known = self._known.through(self.through) if self.through else self._known
        return Memory(known=known, how=self.features, rate=self.rate, neighbours=self.neighbours)

    def probe(self) -> Probe:
        """Return captions of training pictures, and held-out ones that no training picture has; or one's own."""
        if self.prompts:
            own = (replace(ask, group=ask.group or "own prompts") for ask in own_asks(Path(self.prompts), ()))
            return Probe(asks=tuple(own), each=self.n, seed=self.seed)
        seen = dict.fromkeys(filter(None, self._known.captions))
        held = [text for text in dict.fromkeys(filter(None, self._known.held_captions)) if text not in seen]
        rng, asks = np.random.default_rng(self.seed), []
        for group, texts in (("seen captions", list(seen)), ("held-out captions", held)):
            places = sorted(rng.permutation(len(texts))[: self.most])
            asks += [Ask(prompt=texts[place], group=group) for place in places]
        return Probe(asks=tuple(asks), each=self.n, seed=self.seed)

    def measures(self, table: Table, model: str, *, decided: bool = False) -> Sequence[Measure]:
        """Return the share nearer to a training picture than the threshold of held-out ones."""
        if decided or self.memory.cut.value is None:
            return ()
        rows = table.of(model=model).once()
        near = self.memory.look(rows.pictures()).similar > self.memory.cut.value
        prompts = [row.prompt for row in rows.rows if row.drawn]
        return [Measure(name="nearer than the threshold", values=near.astype(float), prompts=prompts)]

    def analyse(self, table: Table) -> Report:
        """Compare every picture with the training set."""
        pairs = [(model, group) for model in table.models for group in table.groups]
        copies = {(m, g): Copies.of(table.of(model=m, group=g), self.memory) for m, g in pairs}
        return report(copies, self.memory)

    def selfcheck(self, rng: np.random.Generator) -> Sequence[Check]:
        """Audit oracles that copy 0, 2 and 10 % of their pictures, a little changed; the others are of equal law.

        Another copies what some of 40 prompts ask for nearly always and what others ask for nearly never.
        """
        fresh, known = pool(), self._known
        held = fresh[rng.integers(len(fresh), size=800)]
        memory = replace(self.memory, known=replace(known, held=held))
        copycats = {rate: Copycat(training=known.pictures, fresh=fresh, rate=rate).source() for rate in PLANTED}
        probe = Probe(asks=(Ask(prompt="a doctor"),), each=400, seed=int(rng.integers(2**40)))
        table = in_memory(probe, list(copycats.values()), self.readers)
        copies = {rate: Copies.of(table.of(model=source.name), memory) for rate, source in copycats.items()}
        asks = tuple(Ask(prompt=f"prompt {k}") for k in range(40))
        rates = {ask.prompt: float(rng.beta(0.2, 0.8)) for ask in asks}
        uneven = Copycat(training=known.pictures, fresh=fresh, rate=rates).source("uneven")
        clustered = Copies.of(in_memory(replace(probe, asks=asks, each=5), [uneven], self.readers), memory)
        return [
            Check.of("20 % copied, prompts all or nothing", 0.2, clustered.copied),
            *(Check.of(f"{100 * rate:g} % copied", rate, part.copied) for rate, part in copies.items()),
            *(Check.of(f"{100 * rate:g} % copied, by ratio", rate, part.by_ratio) for rate, part in copies.items()),
        ]
