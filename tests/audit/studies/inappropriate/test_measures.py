from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from limn.audit.probe import Ask, Probe
from limn.audit.readers.reader import Reader, Reading
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.studies.inappropriate.measures import Detections, changes
from limn.audit.studies.inappropriate.page import curves, differences, published, shares
from limn.audit.table import Table
from limn.kernel.errors import DataError, InputError

ASKS = (
    Ask(prompt="one", slots={"categories": "hate, violence", "thing": "cross"}, group="hate"),
    Ask(prompt="two", slots={"categories": "violence", "thing": "ring"}, group="violence"),
)


class Level(Reader):
    """Reads a grey level as two detectors and a thing."""

    name, version = "level", "1"
    fields = {"first": ("yes", "no"), "second": ("yes", "no"), "thing": ("cross", "ring")}

    def read(self, pictures: object) -> list[Reading]:
        words = {"1": "yes", "0": "no", "?": None}
        found = []
        for each in pictures:  # type: ignore[attr-defined]
            first, second = ["00", "01", "10", "11", "?0", "?1", "??"][int(each[0, 0, 0])]
            thing = ("cross", None)[int(each[0, 0, 1])]
            found.append(Reading(values={"first": words[first], "second": words[second], "thing": thing}))
        return found


def audit(levels: dict[str, list[int]], name: str = "model", gone: bool = False) -> Table:
    """Draw for each prompt the levels given; 9 for no picture."""

    def picture(ask: Ask, seed: int) -> np.ndarray | None:
        level = levels[ask.prompt][seed % 1_000_000]
        grey = np.zeros((2, 2, 3), np.uint8)
        grey[0, 0] = level, gone, 0
        return None if level == 9 else grey

    probe = Probe(asks=ASKS, each=len(levels["one"]))
    return in_memory(probe, [FromOracle(picture=picture, name=name)], [Level()])


FLAGS = ("first=yes", "second=yes", "nowhere=yes")


def test_detectors_are_joined_and_what_none_can_read_counts_for_neither_side() -> None:
    model = Detections.of(audit({"one": [0, 1, 2, 3], "two": [4, 5, 6, 9]}), FLAGS)
    wanted = {
        (0, 0): 0,
        (0, 1): 1,
        (0, 2): 1,
        (0, 3): 1,
        (1, 0): math.nan,
        (1, 1): 1,
        (1, 2): math.nan,
        (1, 3): math.nan,
    }
    found = [model.values[model.prompts == ask].tolist() for ask in (0, 1)]
    assert np.array_equal(np.array(found).ravel(), list(wanted.values()), equal_nan=True)
    assert (model.account.asked, model.account.drawn, model.account.readable) == (8, 7, 5)
    assert model.share().value == pytest.approx((3 / 4 + 1) / 2)


def test_a_prompt_of_two_categories_counts_for_both() -> None:
    model = Detections.of(audit({"one": [0, 3], "two": [0, 0]}), FLAGS)
    assert model.names == ["hate", "violence"]
    assert len(model.only("hate").values) == 2
    assert len(model.only("violence").values) == 4


def test_what_was_named_and_cannot_be_read_is_gone() -> None:
    there, gone = (Detections.of(audit({"one": [0, 9], "two": [0, 0]}, gone=lost), FLAGS) for lost in (False, True))
    assert np.nanmean(there.kept) == pytest.approx(1 / 3)  # the second prompt names a ring
    assert np.isnan(there.kept).sum() == 1
    assert np.nanmean(gone.kept) == 0


def test_a_missing_reader_is_named() -> None:
    with pytest.raises(InputError, match=r"nowhere=yes.*--reader"):
        Detections.of(audit({"one": [0], "two": [0]}), ("nowhere=yes",))


def test_nothing_readable_is_not_estimable() -> None:
    model = Detections.of(audit({"one": [6, 9], "two": [6, 6]}), FLAGS)
    assert not model.share().estimable
    assert model.spread(2) is None
    (figure, *_) = shares({"model": model})
    assert (figure.value, figure.readable, figure.asked) == (None, 0, 4)
    assert curves({"model": model}).lines[0].x == ()
    nothing = Detections.of(audit({"one": [9], "two": [9]}), FLAGS)
    assert not nothing.share().estimable


def test_changes_are_paired() -> None:
    before = Detections.of(audit({"one": [3] * 8, "two": [0] * 8}), FLAGS)
    after = Detections.of(audit({"one": [0] * 8, "two": [0] * 8}, gone=True), FLAGS)
    (change,) = changes(before, [after])
    assert change.flagged.value == pytest.approx(-0.5)
    assert change.kept.value == pytest.approx(-0.5)
    assert change.p == 1  # one prompt that changes is one case, however many pictures show it
    (none,) = changes(before, [before])
    assert none.p is None
    names = [(row.name, row.model) for row in differences({"a": before, "b": after})]
    assert names == [("b", "flagged"), ("b", "what was named is there")]
    with pytest.raises(InputError, match="same prompts"):
        changes(before, [replace(after, prompts=after.prompts + 1)])


def test_released_scores_give_the_published_table(tmp_path: Path) -> None:
    file = tmp_path / "scores_only.csv"
    lines = [("hate, violence", 100)] * 2 + [("hate", 0)] * 6 + [("violence", 50)] * 2
    file.write_text(
        "categories,inappropriate_percentage\n" + "\n".join(f'"{a}",{b}' for a, b in lines) + "\n", "utf-8"
    )
    model = {"released": Detections.released(file)}
    rows = {row[1]: row[2:] for row in published(model, 2).rows}
    assert rows["all"][:2] == (10, 30.0)
    assert rows["hate"][:2] == (8, 25.0)
    # Largest of 2 of 8, two of them 1 and six 0: 1 - C(6, 2) / C(8, 2), with a deviation of one maximum.
    worst = 1 - 15 / 28
    assert rows["hate"][2] == pytest.approx(100 * worst, abs=0.01)
    assert rows["hate"][3] == pytest.approx(100 * math.sqrt(worst * (1 - worst)), abs=0.01)
    assert published(model, 9).rows[1][3:] == (25.0, None, None)
    with pytest.raises(DataError, match="q16"):
        Detections.released(file, "q16")


def test_a_prompt_and_seed_twice_is_one_picture() -> None:
    table = audit({"one": [1, 0], "two": [1, 0]})
    rows = [replace(row, prompt="a red circle", slots={"categories": row.group}) for row in table.rows]
    rows = [replace(row, seed=row.take) for row in rows]
    model = Detections.of(replace(table, rows=tuple(rows)), FLAGS)
    assert len(model.values) == 2
    assert set(model.prompts.tolist()) == {0}
    assert not model.share().estimable
    assert set(model.categories[0]) == {row.group for row in rows}
