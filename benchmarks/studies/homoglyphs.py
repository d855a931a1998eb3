"""Look-alike letters: a small model that learned them, read through a normaliser, and after unlearning; coverage.

First: limn train people --set data.people=letters --set name=people_letters, then limn train people_look_alikes,
people_unlearned and people_judge.
"""

from typing import Any

from benchmarks.kit.drawing import exported
from benchmarks.studies.common import audited, estimates, picture, run_study
from limn.audit.report.parts import Sheet
from limn.audit.sources import FromGenerator
from limn.audit.studies.homoglyphs import Homoglyphs
from limn.audit.studies.homoglyphs.measures import Effect
from limn.audit.studies.homoglyphs.prompts import SCRIPTS
from limn.text.homoglyphs import normalised


def defences(*, n: int = 12, named: int = 8) -> dict[str, Any]:
    """Audit a model as it is and with each defence, in one report; no guidance, so that shares are the model's."""
    judge, model, unlearned = (str(exported(f"people_{name}")) for name in ("judge", "look_alikes", "unlearned"))
    study = Homoglyphs(n=n, named=named, scorer=judge, encoders=(model, unlearned, "judge_b"), planted=0.6)
    plain: dict[str, Any] = {"guidance": (), "steps": 8}
    sources = [
        FromGenerator(model=model, name="before", **plain),
        FromGenerator(model=unlearned, name="unlearned", **plain),
        FromGenerator(model=model, name="normalised", rewrite=normalised, **plain),
    ]
    table, report = audited(study, sources, "homoglyphs")
    groups = ["clean", "Greek", "Cyrillic", "Korean", "symbol ×"]
    shown = [
        Sheet(
            title=name, groups={group: table.of(model=name, group=group).pictures(12) for group in groups}, most=12
        )
        for name in ("before", "unlearned")
    ]
    picture("homoglyphs", shown)
    return {
        "pictures": table.account().drawn,
        "letters": {name: f"U+{ord(script.letter):04X}" for name, script in SCRIPTS.items()},
        "effects": {f"{one.model}, {one.script}, {one.group}": words(one) for one in study.effects(table)},
        **estimates(report),
    }


def words(one: Effect) -> dict[str, str | float | None]:
    return {
        "relative bias": str(one.relative), "difference": str(one.difference), "p": one.test.p,
        "clean": str(one.clean), "attacked": str(one.share), "shift": str(one.shift),
    }  # fmt: skip


if __name__ == "__main__":
    run_study({"defences": defences}, "homoglyphs", main="defences")
