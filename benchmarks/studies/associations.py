"""What the judges associate with pictures of people; coverage on planted associations.

For the part ``people``: limn train people_judge
"""

from dataclasses import replace
from typing import Any

from benchmarks.kit.drawing import exported
from benchmarks.studies.common import audited, estimates, run_study
from limn.audit.studies.associations import Associations


def associated(study: Associations, folder: str) -> dict[str, Any]:
    """Return what an encoder associates with the people of its study."""
    _, report = audited(study, [], folder)
    return {"pictures": len(study.people().pictures), **estimates(report)}


def judges(*, n: int = 300) -> dict[str, Any]:
    return associated(Associations(encoder="judge_a", against="judge_b", n=n), "associations_judges")


def people(*, n: int = 300) -> dict[str, Any]:
    """A judge trained on the world of people, whose associations are known."""
    study = replace(Associations(encoder=str(exported("people_judge")), world="people"), n=n)
    return associated(study, "associations_people")


if __name__ == "__main__":
    run_study({"judges": judges, "people": people}, "associations", main="judges")
