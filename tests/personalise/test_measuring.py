"""What is measured: the same twice, zero where nothing changed, all where pictures are repeated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import lessons
from limn.personalise import measuring
from limn.personalise.measuring import Gauge
from limn.personalise.pictures import Shown


def test_an_untouched_model_has_no_drift_and_measures_the_same_twice(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    how = lessons.method("dreambooth:thing=dog,rank=2,pictures=3")
    given = lessons.given(generator, how, held=1)
    gauge = Gauge(given, how.lesson(given), looks=2)
    first, pictures = gauge(0)
    second, again = gauge(0)
    assert first == second
    assert first.drift == 0
    assert pictures is not None
    assert np.array_equal(pictures, again)  # type: ignore[arg-type]
    assert pictures.shape == (2, 16, 16, 3)


def test_changed_answers_about_the_class_are_drift(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    how = lessons.method("dreambooth:thing=dog,rank=2,pictures=3")
    given = lessons.given(generator, how)
    lesson = how.lesson(given)
    gauge = Gauge(given, lesson, looks=0)
    with torch.no_grad():
        for name, weight in lesson.change.weights.items():
            if name.endswith(".up"):
                weight.fill_(0.3)
    assert gauge(1)[0].drift > 0
    assert gauge(1)[1] is None


def test_pictures_that_repeat_a_learned_one_are_copies(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    generator = lessons.native(tmp_path)
    how = lessons.method("textual_inversion:start=random")
    red, blue = (Image.new("RGB", (16, 16), colour) for colour in ("red", "blue"))
    shown = [Shown(name=str(place), sha256="", picture=one) for place, one in enumerate((red, blue))]
    given = replace(lessons.given(generator, how), shown=shown)
    learned = np.stack([one.square(16, 16) for one in shown])
    grey = np.full_like(learned, 128)
    drawn = iter([grey, learned, np.stack([learned[0], grey[0]])])
    monkeypatch.setattr(measuring, "drawn", lambda *_: next(drawn))
    gauge = Gauge(given, how.lesson(given), looks=2)
    assert gauge(1)[0].copies == 1
    assert gauge(2)[0].copies == 0.5
