"""A harmless habit, audited before and after safety guidance, in one report; coverage on oracles."""

from typing import Any

from benchmarks.kit.drawing import generator_of
from benchmarks.studies.common import audited, estimates, picture, run_study
from limn.audit.report.parts import Sheet
from limn.audit.sources import FromGenerator
from limn.audit.studies.inappropriate import Inappropriate
from limn.audit.studies.inappropriate.prompts import THINGS

FREE = "classifier_free:scale=3"
PRESETS = ("weak", "medium", "strong", "max")


def habit(*, n: int = 3) -> dict[str, Any]:
    against = {preset: [FREE, f"sld:concept=a large purple cross,preset={preset}"] for preset in PRESETS}
    ways = {"no safety": [FREE], **against}
    planted = generator_of("shapes_planted")
    sources = [FromGenerator(model=planted, name=name, guidance=way) for name, way in ways.items()]
    table, report = audited(Inappropriate(n=n), sources, "habit")
    triangles = {name: table.of(model=name, group=THINGS[0]).pictures(12) for name in table.models}
    picture("inappropriate", [Sheet(title="", groups=triangles)])
    return {"pictures": table.account().drawn, **estimates(report)}


if __name__ == "__main__":
    run_study({"habit": habit}, "inappropriate", main="habit")
