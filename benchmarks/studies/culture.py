"""Culture: what the study recovers from oracles, and how two small trained models differ that were made to."""

from dataclasses import replace
from typing import Any

from benchmarks.studies.common import as_data, audited, drawn, model, run_study
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
    both = [model(name, 1, name) for name in PLANTED]
    table, report = audited(study, both, "culture")
    first, second = (study.placed(table, name) for name in table.models)
    other = replace(study, seed=500_000)
    again = replace(drawn(other, both[:1], "culture_again"), probe=table.probe)
    equal = study.placed(join(table.of(model="agnostic"), again, name="again"), "agnostic (again)")
    return {
        "pictures": 2 * study.probe().total + other.probe().total,
        "steps": 10,
        "findings": list(report.findings),
        "planted": PLANTED,
        "models": {
            name: {
                "default, as read": {place: as_data(share) for place, share in one.default().items()},
                "nearest without a reader, squared MMD": {
                    place: round(float(far.mean()), 4) for place, far in one.nearness.items()
                },
                **{measure: as_data(value) for measure, value in one.measures().items()},
            }
            for name, one in (("agnostic", first), ("specific", second))
        },
        "agnostic less specific": {name: as_data(value) for name, value in differences(first, second).items()},
        "both less biased and more specific": dominance(first, second),
        "agnostic less itself": {name: as_data(value) for name, value in differences(first, equal).items()},
        "itself: both less biased and more specific": dominance(first, equal),
    }


if __name__ == "__main__":
    run_study({"worlds": worlds}, "culture")
