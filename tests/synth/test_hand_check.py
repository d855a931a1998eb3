"""The check by hand: chosen by chance, stands alone, and its answers join."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from limn.kernel.errors import InputError
from limn.synth.hand_check import add_answers, answers_of, name_of, picked, write_page
from made_sets import SHAPES, make_set


def answers_file(path: Path, made: object, answers: dict[str, str]) -> Path:
    path.write_text(json.dumps({"set": name_of(made), "answers": answers}))  # type: ignore[arg-type]
    return path


def test_the_page_has_so_many_of_each_class_and_fetches_nothing(tmp_path: Path) -> None:
    made = make_set(tmp_path, 12)
    text = write_page(made, 5).read_text()
    data = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])  # type: ignore[index]
    assert Counter(one["class"] for one in data["pictures"]) == dict.fromkeys(SHAPES, 5)
    assert [one["key"] for one in data["pictures"]] == [row.key for row in picked(made, 5)]
    assert "default-src 'none'" in text
    assert not re.search(r"https?://", text)
    assert "read" not in data["pictures"][0], "what the judge said would lead the person"


def test_answers_are_kept_and_disagreement_is_unsure(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", 6)
    first, second, *_ = picked(made, 3)
    add_answers(made, answers_file(tmp_path / "a.json", made, {first.key: "right", second.key: "wrong"}))
    add_answers(made, answers_file(tmp_path / "b.json", made, {first.key: "right", second.key: "right"}))
    assert answers_of(made) == {first.key: "right", second.key: "unsure"}


@pytest.mark.parametrize("answers", [{"ab" * 32: "right"}, {"x": "perhaps"}])
def test_answers_of_another_set_are_refused(tmp_path: Path, answers: dict[str, str]) -> None:
    made = make_set(tmp_path / "set", 3)
    with pytest.raises(InputError, match=r"a\.json"):
        add_answers(made, answers_file(tmp_path / "a.json", made, answers))
    assert not answers_of(made)
