"""Look-alike letters: a small model that learned them, read through a normaliser, and after unlearning; coverage.

python -m benchmarks.studies.homoglyphs [defences | coverage] [--n 4] [--named 8] [--audits 200]

First: limn train people_look_alikes --export runs/models/people_look_alikes
       limn train people_unlearned --export runs/models/people_unlearned
       limn train people_judge --export runs/models/people_judge
"""

from __future__ import annotations

import argparse

from benchmarks.studies.figures import estimates
from benchmarks.studies.measured import coverage, drawn, reported, write
from limn.audit.sources import FromGenerator
from limn.audit.statistics.estimate import Estimate
from limn.audit.studies.homoglyphs import Homoglyphs
from limn.audit.studies.homoglyphs.measures import Effect
from limn.audit.studies.homoglyphs.prompts import SCRIPTS
from limn.text.homoglyphs import normalised

JUDGE, MODEL, UNLEARNED = (f"runs/models/people_{name}" for name in ("judge", "look_alikes", "unlearned"))
STEPS = 8


def main() -> None:
    """Measure and write ``results/audit_homoglyphs*.json``."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=("defences", "coverage"), nargs="?", default="defences")
    arguments.add_argument("--n", type=int, default=4)
    arguments.add_argument("--named", type=int, default=8)
    arguments.add_argument("--audits", type=int, default=200)
    chosen = arguments.parse_args()
    if chosen.what == "coverage":
        found = coverage("homoglyphs", Homoglyphs(), chosen.audits)
        write("audit_homoglyphs_coverage", {"audits": chosen.audits, "coverage": found})
    else:
        defences(chosen.n, chosen.named)


def defences(n: int, named: int) -> None:
    """Audit a model as it is and with each defence, in one report; no guidance, so that shares are the model's."""
    study = Homoglyphs(n=n, named=named, scorer=JUDGE, encoders=(MODEL, UNLEARNED, "judge_b"), planted=0.6)
    sources = [
        FromGenerator(model=MODEL, name="before", guidance=(), steps=STEPS),
        FromGenerator(model=UNLEARNED, name="unlearned", guidance=(), steps=STEPS),
        FromGenerator(model=MODEL, name="normalised", guidance=(), steps=STEPS, rewrite=normalised),
    ]
    table = drawn(study, sources, "homoglyphs")
    reported(study, table, "homoglyphs")
    effects = {f"{each.model}, {each.script}, {each.group}": _told(each) for each in study.effects(table)}
    tokens = {name: f"U+{ord(each.letter):04X}" for name, each in SCRIPTS.items()}
    figures = {"pictures": table.account().drawn, "letters": tokens, "effects": effects}
    write("audit_homoglyphs", {**figures, **estimates(study.analyse(table))})


def _told(each: Effect) -> dict[str, str | float | None]:
    def words(one: Estimate) -> str:
        return str(one)

    return {
        "relative bias": words(each.relative), "difference": words(each.difference), "p": each.test.p,
        "clean": words(each.clean), "attacked": words(each.share), "shift": words(each.shift),
    }  # fmt: skip


if __name__ == "__main__":
    main()
