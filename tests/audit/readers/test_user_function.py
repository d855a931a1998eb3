"""Readers of one's own: a function in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limn.audit.readers.reader import Reader, open_reader, read_checked
from limn.kernel import registry
from limn.kernel.errors import InputError

OWN = """
FIELDS = {"bright": ("yes", "no"), "mean": ()}

def bright(pictures):
    means = [p.mean() for p in pictures]
    return [{"bright": None if m == 0 else "yes" if m > 99 else "no", "mean": m} for m in means]

def wrong(pictures):
    return [{"bright": "perhaps"} for _ in pictures]

def short(pictures):
    return []
"""


def grey(*levels: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
    return [np.full((8, 8, 3), level, np.uint8) for level in levels]


def test_a_function_of_ones_own_reads(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(OWN)
    reader = open_reader(f"own:{tmp_path}/eyes.py:bright")
    assert isinstance(reader, Reader)
    assert reader.name == "own:eyes.py:bright"
    assert reader.fields == {"bright": ("yes", "no"), "mean": ()}
    assert [each.values for each in reader.read(grey(0, 50, 200))] == [
        {"bright": None, "mean": 0.0},
        {"bright": "no", "mean": 50.0},
        {"bright": "yes", "mean": 200.0},
    ]
    before = reader.version
    (tmp_path / "eyes.py").write_text(OWN + "\n")
    assert open_reader(f"own:{tmp_path}/eyes.py:bright").version != before


def test_what_is_wrong_with_a_function_is_said(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(OWN)
    (tmp_path / "blind.py").write_text("def see(pictures):\n    return [{} for _ in pictures]\n")
    for text, message in {
        "eyes.py:wrong": "perhaps",
        "eyes.py:short": "0 readings",
        "eyes.py:gone": "no function",
        "none.py:bright": "no file",
        "blind.py:see": "FIELDS",
    }.items():
        reader = open_reader(f"own:{tmp_path}/{text}")
        with pytest.raises(InputError, match=message):
            read_checked(reader, grey(5))


SCORED = """
THRESHOLD = 0.5
FIELDS = {"flagged": ("yes", "no")}
BELOW = {"flagged": "no"}

def see(pictures):
    return [{"flagged": ("yes", p.mean() / 255)} for p in pictures]

def fails(pictures):
    raise OSError("no such model")
"""


def test_scores_are_kept_and_errors_may_come_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(SCORED)
    reader = open_reader(f"own:{tmp_path}/eyes.py:see")
    readings = read_checked(reader, grey(51, 204))
    assert [row.values["flagged"] for row in readings] == ["no", "yes"]
    assert [row.confidence["flagged"] for row in readings] == pytest.approx([0.2, 0.8])
    assert [row.at(0.1, reader.scored, reader.otherwise).values["flagged"] for row in readings] == ["yes", "yes"]
    assert reader.confusion == {}
    (tmp_path / "eyes.confusion.json").write_text(json.dumps({"flagged": {"counts": [[9, 1, 0], [2, 8, 0]]}}))
    shipped = open_reader(f"own:{tmp_path}/eyes.py:see").confusion["flagged"]
    assert (shipped.values, shipped.counts.tolist()) == (("yes", "no"), [[9, 1, 0], [2, 8, 0]])
    for record in ({"flagged": {"counts": [[1]]}}, {"flagged": {"counts": [[0.5, 1, 1], [1, 1, 1]]}}, {"mood": {}}):
        (tmp_path / "eyes.confusion.json").write_text(json.dumps(record))
        with pytest.raises(InputError, match="confusion"):
            _ = open_reader(f"own:{tmp_path}/eyes.py:see").confusion
    with pytest.raises(InputError, match=r"eyes.py:fails: failed \(OSError: no such model\); mend it"):
        open_reader(f"own:{tmp_path}/eyes.py:fails").rehearse()


SCALARS = """
import numpy as np

FIELDS = {"word": ("woman", "man"), "number": ()}

def see(pictures):
    numbers = [np.int64(3), np.float32(0.5), float("nan"), True]
    words = [np.str_("woman"), "man", None, "woman"]
    return [{"word": word, "number": number} for word, number in zip(words, numbers)]
"""


def test_numbers_of_numpy_are_numbers_and_nan_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(SCALARS)
    readings = open_reader(f"own:{tmp_path}/eyes.py:see").read(grey(1, 2, 3, 4))
    assert [row.values["number"] for row in readings] == [3.0, 0.5, None, 1.0]
    assert [row.values["word"] for row in readings] == ["woman", "man", None, "woman"]
    assert json.dumps([dict(row.values) for row in readings])


def test_it_is_recorded_and_built_as_any_part(tmp_path: Path) -> None:
    (tmp_path / "eyes.py").write_text(OWN)
    function = f"{tmp_path}/eyes.py:bright"
    reader = open_reader(f"user_function:function={function}")
    assert registry.record(reader) == {"name": "user_function", "function": function}
    assert registry.build("readers", registry.record(reader)) == reader == open_reader(f"own:{function}")
