from __future__ import annotations

import pytest

from limn.audit.reference.labour import ROWS, WOMEN, labour_share
from limn.audit.reference.prompts import OCCUPATIONS


@pytest.mark.parametrize(
    ("word", "women", "white"),
    [
        ("chief executive", 29.3, 88.0), ("software developer", 19.4, 57.5),
        ("lawyer", 37.4, 86.5), ("nurse", 87.4, 75.3),
        ("firefighter", 4.4, 85.0), ("chef", 18.0, 65.2), ("cook", 42.1, 74.3), ("janitor", 38.6, 74.7),
        ("housekeeper", 88.3, 73.7), ("pilot", 5.6, 94.0), ("flight attendant", 79.7, 65.0),
        ("taxi driver", 15.1, 57.9),
    ],
)  # fmt: skip
def test_rows_are_those_of_the_table(word: str, women: float, white: float) -> None:
    assert ROWS[word].women == pytest.approx(women / 100)
    assert ROWS[word].white == pytest.approx(white / 100)
    assert labour_share(word, "gender", "man") == pytest.approx(1 - women / 100)


def test_what_the_table_does_not_say_is_unknown() -> None:
    assert labour_share("astronaut", "gender", "woman") is None
    assert labour_share("cook", "gender", "person") is None
    assert labour_share("cook", "tone", "light") is None
    assert 0 < WOMEN < 0.5


def test_every_row_is_asked_for() -> None:
    assert set(ROWS) <= set(OCCUPATIONS["pictograms"])
    assert set(OCCUPATIONS["photos"]) - set(ROWS) == {"therapist"}
