"""Stereotypes: what the study recovers from oracles and small trained models; what it finds in the emoji model."""

import json
from dataclasses import replace
from typing import Any

from benchmarks.studies.common import as_data, audited, model, picture, run_study
from benchmarks.studies.ideal import leading
from limn.audit.group_shares import group_share
from limn.audit.probe import Ask, Probe
from limn.audit.report.parts import Sheet
from limn.audit.run import in_memory
from limn.audit.sources import FromGenerator, FromPeople
from limn.audit.statistics.amplification import guided_share
from limn.audit.statistics.estimate import Estimate
from limn.audit.statistics.shares import share
from limn.audit.studies.stereotypes import Stereotypes
from limn.audit.studies.stereotypes.measures import ConceptShares
from limn.audit.synthetic import LEANING, guided, judged, oracles, unmarked_oracle
from limn.audit.table import Table

SHOWN = (
    "cook", "nurse", "housekeeper", "flight attendant", "guard", "scientist", "welder", "lawyer", "taxi driver",
)  # fmt: skip
"""Professions whose first ten pictures stand on the page."""

ONE_SIDED = ("doctor", "cook", "farmer", "artist")
"""Professions of which 70 % are of one gender."""


def _leading(table: Table, source: str) -> Estimate:
    """Return the share of the gender that leads in the training pictures, over four professions."""
    hits = readable = 0
    for name in ONE_SIDED:
        part = table.of(model=source, concept=name)
        hits += part.counts("gender")["woman" if LEANING[name] > 0.5 else "man"]
        readable += part.account("gender").readable
    return share(hits, readable)


def _ideal(scale: int, hidden: bool, n: int = 500) -> dict[str, Any]:
    """Return what guided sampling does with a model that has no error."""
    counts = [leading(name, scale, hidden=hidden, n=n, seed=k) for k, name in enumerate(ONE_SIDED)]
    drawn = n * len(ONE_SIDED)
    return as_data(share(sum(k for k, _ in counts), drawn)) | {
        "badge right": sum(right for _, right in counts) / drawn
    }


def guidance() -> dict[str, Any]:
    """Amplification by guidance: the law, an oracle of perfect models, and the models "hidden" and "visible"."""
    study, found = Stereotypes(n=50, only=ONE_SIDED, reference="people:visible"), dict[str, Any]()
    for world in ("hidden", "visible"):
        sources = [model(world, scale, f"{world} at {scale}") for scale in (1, 2, 3)]
        table, _ = audited(study, sources, f"guidance_{world}")
        for scale, source in zip((1, 2, 3), sources, strict=True):
            hidden = world == "hidden"
            population = {name: guided(name, scale, hidden=hidden) for name in ONE_SIDED}
            oracle = FromPeople(name="oracle", population=population)
            perfect = in_memory(replace(study, n=500).probe(), [oracle], ["people"])
            found[f"{world}, scale {scale}"] = {
                "law": round(guided_share(0.7, 0.5, scale, visible=not hidden), 4),
                "oracle": as_data(_leading(perfect, "oracle")),
                "ideal diffusion": _ideal(scale, hidden),
                "model": as_data(_leading(table, source.name)),
                "by profession": {
                    name: as_data(group_share(table.of(model=source.name, concept=name), "gender", "woman").read)
                    for name in ONE_SIDED
                },
            }
    return {"pictures": 1200, "sampler steps": 10, "share of the leading gender": found}


def marked() -> dict[str, Any]:
    """A quarter women, named far more often: what an unmarked prompt draws."""
    study = Stereotypes(n=200, only=("doctor",), training="people:marked")
    table, _ = audited(study, [model("marked", 1, "marked")], "marked")
    oracle = in_memory(replace(study, n=2000).probe(), [unmarked_oracle()], ["people"])
    compared = study.shares(table, "marked")
    return {
        "pictures": 200,
        "women among all training pictures": compared.named[0],
        "women among unmarked training captions": round(compared.trained[0] or 0, 4),
        "oracle": as_data(group_share(oracle, "gender", "woman").read),
        "model": as_data(group_share(table, "gender", "woman").read),
        "p against unmarked captions": compared.tests().p[0],
    }


def bad_reader(*, audits: int = 100) -> dict[str, Any]:
    """The same pictures by a reader of sensitivity 0.85 and specificity 0.95, as read and corrected."""
    probe = Probe(asks=(Ask(prompt="a cook", slots={"profession": "cook"}),), each=400)
    naive, corrected, bias = 0, 0, 0.0
    for seed in range(audits):
        table = in_memory(replace(probe, seed=seed * 1000), oracles()[:1], [judged(seed)])
        one = group_share(table, "gender", "woman")
        naive += one.read.covers(LEANING["cook"])
        corrected += one.behind.covers(LEANING["cook"])
        bias += ((one.read.value or 0) - LEANING["cook"]) / audits
    return {
        "audits": audits, "truth": LEANING["cook"], "naive bias": round(bias, 4),
        "naive covers": as_data(share(naive, audits)), "corrected covers": as_data(share(corrected, audits)),
    }  # fmt: skip


def emoji() -> dict[str, Any]:
    """Who is drawn for 40 unmarked professions, with guidance and without."""
    study = Stereotypes(n=25, world="pictograms", training="data/pictograms")
    free = FromGenerator(model="emoji", name="emoji at 1", guidance=["classifier_free:scale=1"])
    table, report = audited(study, [FromGenerator(model="emoji", name="emoji"), free], "emoji", ["pictograms"])
    found: dict[str, Any] = {"pictures": 2000, "findings": list(report.findings)}
    ways = {"guided": "emoji", "unguided": "emoji at 1"}
    groups = {
        f"{name}, {how}": table.of(model=source, concept=name).pictures()[:10]
        for name in SHOWN
        for how, source in ways.items()
    }
    picture("stereotypes_emoji", [Sheet(title="", groups=groups, most=10)], scale=1)
    for value in ("woman", "man", "person"):
        one = replace(study, value=value)
        for source in table.models:
            found[f"{source}: {value}"] = _shares(one.shares(table, source))
    return found


BEFORE = "dd3613b"
"""The commit whose results are of the estimators before: of all that could be read, errors looked behind as if the
unreadable were as many as among labelled pictures, intervals by bootstrap of prompts and pictures."""


def again() -> dict[str, Any]:
    """The guided pictures of :func:`emoji`, told by the estimators of a former commit and by those of today."""
    import subprocess

    path = f"{BEFORE}:benchmarks/results/audit_stereotypes_emoji.json"
    shown = subprocess.run(["git", "show", path], capture_output=True, text=True, check=True).stdout
    before = json.loads(shown)
    study = Stereotypes(n=25, world="pictograms", training="data/pictograms")
    table, report = audited(study, [FromGenerator(model="emoji", name="emoji")], "emoji_guided", ["pictograms"])
    now = {
        value: _shares(replace(study, value=value).shares(table, "emoji")) for value in ("woman", "man", "person")
    }
    return {
        "pictures": table.account().drawn,
        "readable": table.account("gender").readable,
        "findings before": [line for line in before["findings"] if line.startswith("emoji:")],
        "findings now": [*report.summary, *report.findings],
        "before": {value: before[f"emoji: {value}"] for value in now},
        "now": now,
    }


def _shares(one: ConceptShares) -> dict[str, Any]:
    tested = one.tests()
    return {
        "mean": as_data(one.mean()),
        "less unmarked captions": as_data(one.beyond(one.trained)),
        "less all captions": as_data(one.beyond(one.named)),
        "differ from unmarked captions": f"{sum(tested.rejected)} of {tested.tests}",
        "by profession": {
            each.name: {"share": as_data(each.behind), "as read": as_data(each.read), "unmarked": mark, "p": p}
            for each, mark, p in zip(one.shares, one.trained, tested.p, strict=True)
        },
    }


if __name__ == "__main__":
    parts = {"bad_reader": bad_reader, "guidance": guidance, "marked": marked, "emoji": emoji, "again": again}
    run_study(parts, "stereotypes")
