"""What a classifier is: it learns classes from pictures in so many steps, and says the class of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from limn.kernel import registry

Pictures = Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What is learned, and how long.

    Args:
        pictures: Each uint8 (height, width, 3).
        labels: Number of the class of each (n,).
        classes: How many classes there are.
        steps: Steps of gradient descent, the same for all that are compared.
        batch: Pictures of a step.
        augment: One of :data:`limn.synth.augment.AUGMENTATIONS`.
        seed: Decides the first weights, the order and the augmentation.
    """

    pictures: Pictures
    labels: NDArray[np.int64]
    classes: int
    steps: int
    batch: int = 64
    augment: str = "plain"
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A classifier that has learned.

    Args:
        predict: Returns the number of the class of each picture.
        weights: What it learned, to be kept.
    """

    predict: Callable[[Pictures], NDArray[np.int64]]
    weights: Mapping[str, Tensor] = field(default_factory=dict)


class Classifier(registry.Part, ABC):
    """Base of classifiers: ``synth/classifiers/NAME.py``, or an entry point of the group ``limn.classifiers``."""

    @abstractmethod
    def learn(self, lesson: Lesson) -> Learned:
        """Learn, always the same from the same lesson."""
