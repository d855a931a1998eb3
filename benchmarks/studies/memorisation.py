"""Copies: of a world whose pictures are repeated, of copycats, and of the shipped emoji model; coverage."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.common import as_data, audited, estimates, model, picture, run_study, sheets_of
from limn.audit.replication import Copies
from limn.audit.sources import FromGenerator
from limn.audit.studies.memorisation import Memorisation
from limn.audit.synthetic import Copycat, pool
from limn.audit.table import Table
from limn.data.people.worlds import copied
from limn.data.picture_set import load


def repeated(*, n: int = 60) -> dict[str, Any]:
    """The model of the world whose pictures are repeated, and copycats that copy as often as pictures are there."""
    study, (pictures, _, times) = Memorisation(n=n), copied()
    weights = times / times.sum()
    copycats = [
        Copycat(training=pictures, fresh=pool(), rate=rate, weights=weights).source() for rate in (0.0, 0.02, 0.1)
    ]
    sources = [*(model("copied", scale, f"scale {scale}") for scale in (1, 3)), *copycats]
    table, report = audited(study, sources, "repeated")
    picture("memorisation", sheets_of(report)[:2])
    return {
        "pictures of each": n * len(study.probe().asks),
        **estimates(report),
        "by dose": {name: doses(study, table.of(model=name)) for name in table.models},
    }


def doses(study: Memorisation, table: Table) -> dict[str, Any]:
    """Return, by how often pictures were repeated, copies drawn, the share of pictures copied, and the slope."""
    memory = study.memory
    seen = Copies.of(table, memory)
    dose, cut = seen.dose(memory), memory.cut.value
    if dose is None or cut is None:
        return {}
    hits = memory.known.copies[seen.near.places[seen.near.similar > cut]]
    shares = zip(dose.doses, dose.shares, strict=True)
    return {
        "copies drawn": {f"{kind:g} times": int((hits == kind).sum()) for kind in dose.doses},
        "pictures copied": {f"{kind:g} times": as_data(share) for kind, share in shares},
        "log odds per doubling": as_data(dose.slope),
    }


def emoji() -> dict[str, Any]:
    """The shipped emoji model against what it learned from: pixels behind its autoencoder, and the judge."""
    study = Memorisation(n=1, training="data/pictograms", through="emoji")
    table, report = audited(study, [FromGenerator(model="emoji")], "copied_emoji")
    picture("memorisation_emoji", sheets_of(report), scale=1)
    memory = study.memory
    judged = replace(memory, how="judge_b")
    seen = {group: Copies.of(table.of(group=group), judged) for group in table.groups}
    return {
        "pictures": table.account().drawn,
        "pixels": estimates(report),
        "judge_b": {
            "threshold": as_data(judged.cut),
            "copies": {name: as_data(one.copied) for name, one in seen.items()},
        },
        "false positives by held-out split, pixels": by_split(study, memory.held.similar, memory.cut.value),
    }


def by_split(study: Memorisation, similar: Any, cut: float | None) -> dict[str, Any]:
    """Return how near held-out pictures of both kinds are, for the two are not of one law."""
    split = np.array(load(Path(study.training), ("pair", "cell")).columns["split"])
    if cut is None or len(split) != len(similar):
        return {}
    near = {kind: similar[split == kind] > cut for kind in ("pair", "cell")}
    return {kind: {"pictures": len(above), "above": round(float(above.mean()), 4)} for kind, above in near.items()}


if __name__ == "__main__":
    run_study({"repeated": repeated, "emoji": emoji}, "memorisation", main="repeated")
