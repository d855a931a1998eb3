"""Culture: what the study recovers from oracles, and how two small trained models differ that were made to.

python -m benchmarks.studies.culture coverage|worlds
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from benchmarks.studies.measured import coverage, drawn, model, reported, told, write
from limn.audit.studies.culture import Culture
from limn.audit.studies.culture.measures import differences, dominance
from limn.audit.table import join

PLANTED = {
    "agnostic": {"default share of waves": 0.25, "specificity": 0.7},
    "specific": {"default share of waves": 0.7, "specificity": 0.98},
}
"""What the captions of the two worlds say, exactly."""


def worlds() -> dict[str, Any]:
    """The models of the worlds "agnostic" and "specific", and the first against itself on other seeds."""
    study = Culture(n=8)
    both = [model("agnostic", 1, "agnostic"), model("specific", 1, "specific")]
    table = drawn(study, both, "culture")
    findings = reported(study, table, "culture")
    first, second = (study.placed(table, name) for name in table.models)
    other = replace(study, seed=500_000)
    again = replace(drawn(other, both[:1], "culture_again"), probe=table.probe)
    same = join(table.of(model="agnostic"), again, name="again")
    equal = study.placed(same, "agnostic (again)")
    return {
        "pictures": 2 * study.probe().total + other.probe().total,
        "steps": 10,
        "findings": findings,
        "planted": PLANTED,
        "models": {
            name: {
                "default, as read": {place: told(share) for place, share in each.default().items()},
                "nearest without a reader, squared MMD": {
                    place: round(float(far.mean()), 4) for place, far in each.nearness.items()
                },
                **{measure: told(value) for measure, value in each.measures().items()},
            }
            for name, each in (("agnostic", first), ("specific", second))
        },
        "agnostic less specific": {name: told(each) for name, each in differences(first, second).items()},
        "both less biased and more specific": dominance(first, second),
        "agnostic less itself": {name: told(each) for name, each in differences(first, equal).items()},
        "itself: both less biased and more specific": dominance(first, equal),
    }


def _coverage() -> dict[str, Any]:
    found = coverage("culture", Culture(), 200)
    false = {
        row["quantity"]: round(1 - row["covered"]["value"], 4)
        for row in found
        if row["quantity"].startswith("equals")
    }
    return {"audits": 200, "coverage": found, "false differences between equals": false}


WHAT: Mapping[str, Callable[[], dict[str, Any]]] = {"coverage": _coverage, "worlds": worlds}


def main() -> None:
    """Measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--kept", action="store_true", help="analyse the pictures that are there; draw nothing")
    chosen = parser.parse_args().what
    write(f"audit_culture_{chosen}", WHAT[chosen]())


if __name__ == "__main__":
    main()
