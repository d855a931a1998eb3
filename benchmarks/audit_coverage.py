"""How often the intervals of all studies hold what was planted, also where oracles break what estimates lean on."""

from typing import Any

from benchmarks.kit.run import run
from benchmarks.studies.common import coverage
from limn.audit.study import names, parse


def measure(*, audits: int = 100) -> dict[str, Any]:
    return {"audits": audits, "coverage": {name: coverage(name, parse(name), audits) for name in names()}}


if __name__ == "__main__":
    run(measure, quick={"audits": 1})
