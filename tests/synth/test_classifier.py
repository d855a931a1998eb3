"""A classifier from any file is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limn.kernel import registry
from limn.synth.classifier import Classifier, Learned, Lesson


@dataclass(frozen=True, kw_only=True)
class Most(Classifier):
    """Says the commonest class."""

    def learn(self, lesson: Lesson) -> Learned:
        common = int(np.bincount(lesson.labels).argmax())
        return Learned(predict=lambda pictures: np.full(len(pictures), common))


def test_a_classifier_of_ones_own() -> None:
    lesson = Lesson(pictures=[], labels=np.array([1, 1, 0]), classes=2, steps=1)
    assert Most().learn(lesson).predict([None, None]).tolist() == [1, 1]  # type: ignore[list-item]
    assert registry.record(Most())["name"] == "most"
