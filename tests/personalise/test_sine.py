"""SINE: one picture and parts of it, each with the box that it shows."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lessons
import small_models
from limn.kernel.errors import InputError
from limn.personalise.denoising import WHOLE
from limn.personalise.grid import MIX
from limn.personalise.loop import Plan


def test_parts_are_drawn_within_the_picture(tmp_path: Path) -> None:
    boxes = lessons.method("sine:crops=300").boxes(0)  # type: ignore[attr-defined]
    left, top, right, bottom = torch.tensor(boxes).T
    assert ((left >= 0) & (top >= 0) & (right <= 1) & (bottom <= 1)).all()
    wide, high = right - left, bottom - top
    assert 0.1 <= wide.min() < 0.13 < 0.97 < wide.max() <= 1
    assert 0.1 <= high.min() < 0.13 < 0.97 < high.max() <= 1


def test_a_step_sees_the_whole_or_parts_with_their_boxes(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    how = lessons.method("sine:thing=dog,batch=40,patches=0.5,crops=4")
    lesson = how.lesson(lessons.given(generator, how, count=1))
    rows = lesson.rows(0, torch.Generator().manual_seed(0))
    whole = lesson.held.clean[0]
    for clean, box in zip(rows.clean, rows.boxes, strict=True):
        assert torch.equal(clean, whole) == (box == WHOLE)
    assert 10 < sum(box == WHOLE for box in rows.boxes) < 30
    plain = lessons.method("sine:patches=0,batch=3")
    rows = plain.lesson(lessons.given(generator, plain, count=1)).rows(0, torch.Generator().manual_seed(0))
    assert rows.boxes == ()
    assert torch.equal(rows.clean, whole.expand(3, *whole.shape))


@pytest.mark.parametrize("kind", ["native", "stable_diffusion"])
def test_grid_and_factors_learn_and_nothing_else_moves(kind: str, tmp_path: Path) -> None:
    generator = getattr(small_models, kind)(tmp_path / "m")
    before = lessons.weights(generator)
    run = lessons.learning(
        tmp_path, "sine:thing=dog,batch=3,crops=4,rank=2", generator, plan=Plan(steps=2, looks=1), count=1
    )
    lessons.finished(run)
    after = lessons.weights(generator)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    learned = run.lesson.change.learned(run.kept)
    assert learned.extra[MIX].abs().max() > 0
    assert learned.changes
    assert run.kept_at == 2


def test_several_pictures_are_refused(tmp_path: Path) -> None:
    how = lessons.method("sine")
    with pytest.raises(InputError, match="sine learns one, 2 are given"):
        how.lesson(lessons.given(lessons.native(tmp_path), how, count=2))
