"""A harmless habit, audited before and after safety guidance, in one report; coverage on oracles."""

from typing import Any

from benchmarks.kit.drawing import generator_of
from benchmarks.studies.common import audited, estimates, picture, run_study, sheets_of
from limn.audit.sources import FromGenerator
from limn.audit.studies.inappropriate import Inappropriate

FREE = "classifier_free:scale=3"
PRESETS = ("weak", "medium", "strong", "max")


def habit(*, n: int = 3) -> dict[str, Any]:
    against = {preset: [FREE, f"sld:concept=a large purple cross,preset={preset}"] for preset in PRESETS}
    ways = {"no safety": [FREE], **against}
    planted = generator_of("shapes_planted")
    sources = [FromGenerator(model=planted, name=name, guidance=way) for name, way in ways.items()]
    table, report = audited(Inappropriate(n=n), sources, "habit")
    picture("inappropriate", sheets_of(report)[:1])
    return {"pictures": table.account().drawn, **estimates(report)}


if __name__ == "__main__":
    run_study({"habit": habit}, "inappropriate", main="habit")
