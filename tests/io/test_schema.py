"""Rules say what they allow, and allow nothing else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from limn.io.schema import FLAG, Rule, check_fields, either, many, number, one_of, text, whole
from limn.kernel.errors import WeightsError

CASES: list[tuple[Rule, list[Any], list[Any]]] = [
    (whole(1, 8), [1, 8], [0, 9, True, 1.0, "1", None, [1]]),
    (number(0, 1), [0, 0.5, 1], [-0.1, 1.1, math.nan, math.inf, True, "0", None]),
    (text(3), ["", "abc"], ["abcd", 3, None]),
    (one_of(None, 1, "a", []), [None, 1, "a", []], [0, True, 1.0, "b", [1]]),
    (many(whole(0, 9), 2), [[0], [1, 2]], [[], [1, 2, 3], [10], (1,), 1, None]),
    (either(whole(0, 9), one_of(None)), [3, None], [10, "3"]),
    (FLAG, [True, False], [0, 1, None, "true"]),
]


@pytest.mark.parametrize(("rule", "good", "bad"), CASES, ids=[rule.says for rule, _, _ in CASES])
def test_rules(rule: Rule, good: list[Any], bad: list[Any]) -> None:
    assert all(map(rule.allows, good))
    assert not any(map(rule.allows, bad))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"heads": 2}, r"c\.json: width is missing"),
        ({"width": 9}, r"c\.json: width is 9; limn takes a whole number from 1 to 8"),
        ({"width": 1, "haeds": 2}, r"c\.json: unknown field 'haeds'; did you mean 'heads'\? known: heads, width"),
        ({"width": 1, "x" * 10_000: 2}, r"c\.json: unknown field"),
        ({"width": "y" * 10_000}, r"c\.json: width is 'yyy"),
    ],
)
def test_faults_are_one_short_line(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(WeightsError, match=match) as caught:
        check_fields(Path("c.json"), fields, {"width": whole(1, 8), "heads": whole(1, 8)}, ("width",))
    assert len(str(caught.value)) <= 400
    assert "\n" not in str(caught.value)
