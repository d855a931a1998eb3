"""Every classifier learns what is easy, and the same from the same lesson."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limn.kernel import registry
from limn.synth.classifier import Lesson
from made_sets import SHAPES, picture

SMALL = {"residual": "residual:width=8,size=16", "linear": "linear:features=grid"}


@pytest.mark.parametrize("name", registry.names("classifiers"))
def test_colours_are_learned_and_again_alike(name: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    pictures = [
        np.clip(rng.normal(120, 20, (16, 16, 3)) + 90 * np.eye(3)[k], 0, 255).astype(np.uint8) for k in labels
    ]
    lesson = Lesson(pictures=pictures[:40], labels=labels[:40], classes=3, steps=60, batch=20, augment="plain")
    classifier = registry.parse("classifiers", SMALL.get(name, name))
    learned, again = classifier.learn(lesson), classifier.learn(lesson)
    assert (learned.predict(pictures[40:]) == labels[40:]).mean() > 0.9
    assert np.array_equal(learned.predict(pictures), again.predict(pictures))
    assert all(torch.equal(value, again.weights[key]) for key, value in learned.weights.items())


def test_pictures_of_any_size_are_scaled() -> None:
    from limn.synth.classifiers.residual import states_of

    assert states_of([picture(SHAPES[0], 1), np.zeros((9, 20, 3), np.uint8)], 16).shape == (2, 3, 16, 16)
