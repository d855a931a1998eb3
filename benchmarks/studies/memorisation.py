"""How much is copied: planted copycats, a model trained on repeated pictures, the shipped emoji model.

python -m benchmarks.studies.memorisation [repeated | emoji | coverage] [--n 60] [--audits 200]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.studies.figures import estimates, picture
from benchmarks.studies.measured import coverage, drawn, model, reported, told, write
from limn.audit.replication import Copies
from limn.audit.report.parts import Report, Sheet
from limn.audit.sources import FromGenerator
from limn.audit.studies.memorisation import Memorisation
from limn.audit.synthetic import Copycat, pool
from limn.data.people.worlds import copied


def main() -> None:
    """Measure and write ``results/audit_memorisation*.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=("repeated", "emoji", "coverage"), nargs="?", default="repeated")
    arguments.add_argument("--n", type=int, default=60)
    arguments.add_argument("--audits", type=int, default=200)
    chosen = arguments.parse_args()
    if chosen.what == "coverage":
        found = coverage("memorisation", Memorisation(), chosen.audits)
        write("audit_memorisation_coverage", {"audits": chosen.audits, "coverage": found})
    elif chosen.what == "emoji":
        emoji()
    else:
        repeated(chosen.n)


def repeated(n: int) -> None:
    """The model of the world whose pictures are repeated, and copycats that copy as often as pictures are there."""
    study, (pictures, _, times) = Memorisation(n=n), copied()
    weights = times / times.sum()
    copycats = [
        Copycat(training=pictures, fresh=pool(), rate=rate, weights=weights).source() for rate in (0.0, 0.02, 0.1)
    ]
    table = drawn(study, [*(model("copied", scale, f"scale {scale}") for scale in (1, 3)), *copycats], "repeated")
    reported(study, table, "repeated")
    report = study.analyse(table)
    picture("memorisation", sheets(report)[:2])
    found: dict[str, Any] = {"pictures of each": n * len(study.probe().asks), **estimates(report)}
    found["by dose"] = {name: doses(study, table.of(model=name)) for name in table.models}
    write("audit_memorisation", found)


def sheets(report: Report) -> list[Sheet]:
    """Return the pictures of a report, those of its groups in order."""
    return [part for section in report.sections for part in section.parts if isinstance(part, Sheet)]


def doses(study: Memorisation, table: Any) -> dict[str, Any]:
    """Return, by how often pictures were repeated, copies drawn, the share of pictures copied, and the slope."""
    memory = study.memory
    seen = Copies.of(table, memory)
    dose, cut = seen.dose(memory), memory.cut.value
    if dose is None or cut is None:
        return {}
    hits = memory.known.copies[seen.near.places[seen.near.similar > cut]]
    return {
        "copies drawn": {f"{kind:g} times": int((hits == kind).sum()) for kind in dose.doses},
        "pictures copied": {
            f"{kind:g} times": told(each) for kind, each in zip(dose.doses, dose.shares, strict=True)
        },
        "log odds per doubling": told(dose.slope),
    }


def emoji() -> None:
    """The shipped emoji model against what it learned from: pixels behind its autoencoder, and the judge."""
    study = Memorisation(n=1, training="data/pictograms", through="emoji")
    table = drawn(study, [FromGenerator(model="emoji")], "copied_emoji")
    reported(study, table, "copied_emoji")
    report = study.analyse(table)
    picture("memorisation_emoji", sheets(report), scale=1)
    found: dict[str, Any] = {"pictures": table.account().drawn, "pixels": estimates(report)}
    memory = study.memory
    judged = replace(memory, how="judge_b")
    seen = {group: Copies.of(table.of(group=group), judged) for group in table.groups}
    found["judge_b"] = {
        "threshold": told(judged.cut),
        "copies": {name: told(each.copied) for name, each in seen.items()},
    }
    found["false positives by held-out split, pixels"] = by_split(study, memory.held.similar, memory.cut.value)
    write("audit_memorisation_emoji", found)


def by_split(study: Memorisation, similar: Any, cut: float | None) -> dict[str, Any]:
    """Return how near held-out pictures of both kinds are, for the two are not of one law."""
    from pathlib import Path

    from limn.data.pictograms import load

    split = np.array(load(Path(study.training), ("pair", "cell")).columns["split"])
    if cut is None or len(split) != len(similar):
        return {}
    return {
        kind: {
            "pictures": int((split == kind).sum()),
            "above": round(float((similar[split == kind] > cut).mean()), 4),
        }
        for kind in ("pair", "cell")
    }


if __name__ == "__main__":
    main()
