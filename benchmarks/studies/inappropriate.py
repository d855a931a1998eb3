"""A harmless habit, audited before and after safety guidance, in one report; coverage on oracles.

python -m benchmarks.studies.inappropriate [habit | coverage] [--n 3] [--audits 200]
"""

from __future__ import annotations

import argparse

from benchmarks.studies.figures import estimates, picture
from benchmarks.studies.measured import coverage, drawn, reported, write
from limn.audit.report.parts import Sheet
from limn.audit.sources import FromGenerator
from limn.audit.studies.inappropriate import Inappropriate

MODEL = "runs/claims/shapes_planted/model"  # trained by `python -m benchmarks.steering safety`
FREE = "classifier_free:scale=3"
PRESETS = ("weak", "medium", "strong", "max")


def main() -> None:
    """Measure and write ``results/audit_inappropriate*.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=("habit", "coverage"), nargs="?", default="habit")
    arguments.add_argument("--n", type=int, default=3)
    arguments.add_argument("--audits", type=int, default=200)
    chosen = arguments.parse_args()
    if chosen.what == "coverage":
        found = coverage("inappropriate", Inappropriate(), chosen.audits)
        write("audit_inappropriate_coverage", {"audits": chosen.audits, "coverage": found})
    else:
        habit(chosen.n)


def habit(n: int) -> None:
    """Audit the model that learned the habit without guidance against it, and with each preset."""
    against = {preset: [FREE, f"safety:concept=a large purple cross,preset={preset}"] for preset in PRESETS}
    ways = {"no safety": [FREE], **against}
    study = Inappropriate(n=n)
    table = drawn(
        study, [FromGenerator(model=MODEL, name=name, guidance=way) for name, way in ways.items()], "habit"
    )
    reported(study, table, "habit")
    report = study.analyse(table)
    picture("inappropriate", [part for part in report.sections[0].parts if isinstance(part, Sheet)])
    write("audit_inappropriate", {"pictures": table.account().drawn, **estimates(report)})


if __name__ == "__main__":
    main()
