"""What the judges associate with pictures of people; coverage on planted associations.

python -m benchmarks.studies.associations [judges | people | coverage] [--n 300] [--audits 200]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.studies.figures import estimates
from benchmarks.studies.measured import coverage, drawn, reported, write
from limn.audit.studies.associations import Associations
from limn.train.export import export

STUDIES = {
    "judges": Associations(encoder="judge_a", against="judge_b"),
    "people": Associations(encoder="runs/models/people_judge", world="people"),
}


def main() -> None:
    """Measure and write ``results/audit_associations*.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("what", choices=(*STUDIES, "coverage"), nargs="?", default="judges")
    arguments.add_argument("--n", type=int, default=300)
    arguments.add_argument("--audits", type=int, default=200)
    chosen = arguments.parse_args()
    if chosen.what == "coverage":
        found = coverage("associations", Associations(), chosen.audits)
        write("audit_associations_coverage", {"audits": chosen.audits, "coverage": found})
        return
    if chosen.what == "people" and not Path("runs/models/people_judge").is_dir():
        export(Path("runs/train/people_judge"), Path("runs/models/people_judge"))  # limn train people_judge
    study, folder = replace(STUDIES[chosen.what], n=chosen.n), f"associations_{chosen.what}"
    table = drawn(study, [], folder)
    reported(study, table, folder)
    suffix = "" if chosen.what == "judges" else f"_{chosen.what}"
    pictures = len(study.people().pictures)
    write(f"audit_associations{suffix}", {"pictures": pictures, **estimates(study.analyse(table))})


if __name__ == "__main__":
    main()
