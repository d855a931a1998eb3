"""How often the intervals of every study hold the planted truth, over small audits of oracles.

    python -m benchmarks.audit_selfcheck [STUDY ...] [--audits 200]

Studies that are not named keep their figures from before.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from benchmarks import record
from limn.audit.selfcheck import Coverage, Round, selfcheck
from limn.audit.study import names, parse


def checked(study: str, audits: int) -> dict[str, Any]:
    """Return the coverage of each quantity of a study, and the seconds that an audit took."""
    found: dict[str, Any] = {}
    seconds = 0.0
    for event in selfcheck(study, parse(study), audits=audits):
        if isinstance(event, Coverage):
            one = {**asdict(event), "verdict": event.verdict}
            covered = one.pop("covered")
            found[event.name] = {
                **{name: _short(value) for name, value in one.items() if name not in ("study", "name")},
                "covered": {name: _short(covered[name]) for name in ("value", "low", "high", "n")},
            }
        elif isinstance(event, Round):
            seconds = event.seconds
    return {"seconds_an_audit": round(seconds / audits, 3), "quantities": found}


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*")
    parser.add_argument("--audits", type=int, default=200)
    options = parser.parse_args()
    path = record.RESULTS / "audit_selfcheck.json"
    studies = json.loads(path.read_text("utf-8"))["studies"] if path.exists() else {}
    for study in options.studies or names():
        studies[study] = checked(study, options.audits)
        told = {
            name: (each["covered"]["value"], each["verdict"]) for name, each in studies[study]["quantities"].items()
        }
        print(study, studies[study]["seconds_an_audit"], told, flush=True)
        record.write("audit_selfcheck", {"audits": options.audits, "studies": studies})


if __name__ == "__main__":
    main()
