"""A linear probe on frozen features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from limn.audit.features import features
from limn.kernel.errors import InputError
from limn.synth.augment import AUGMENTATIONS
from limn.synth.classifier import Classifier, Learned, Lesson, Pictures
from limn.synth.classifiers.residual import states_of


@dataclass(frozen=True, kw_only=True)
class Linear(Classifier):
    """Learns logistic regression on features that stay as they are; the steps of others say nothing to it.

    Args:
        features: A dual encoder shipped with limn, the folder of one or of a CLIP model, or ``grid``.
        cost: Inverse strength of the penalty on weights (C of scikit-learn).
        views: Augmented copies of each picture that it learns from, where there is an augmentation.
        size: Side in pixels of augmented copies.
    """

    features: str = "judge_a"
    cost: float = 1.0
    views: int = 2
    size: int = 64

    def learn(self, lesson: Lesson) -> Learned:
        """Learn; see :meth:`Classifier.learn`; mixed pictures count for the class that has the larger share."""
        try:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler
        except ModuleNotFoundError:
            raise InputError("linear: needs scikit-learn; install it with: pip install 'limn[synth]'") from None
        pictures, labels = self._views(lesson)
        probe = make_pipeline(StandardScaler(), LogisticRegression(C=self.cost, max_iter=2000))
        probe.fit(features(pictures, self.features), labels)

        def predict(others: Pictures) -> NDArray[np.int64]:
            return np.asarray(probe.predict(features(list(others), self.features)), np.int64)

        return Learned(predict=predict)

    def _views(self, lesson: Lesson) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
        if lesson.augment == "none":
            return list(lesson.pictures), lesson.labels
        rng, states = np.random.default_rng([lesson.seed, 11]), states_of(lesson.pictures, self.size)
        shares = F.one_hot(torch.from_numpy(lesson.labels), lesson.classes).float()
        made, labels = [], []
        for _ in range(self.views):
            x, y = AUGMENTATIONS[lesson.augment](states, shares, rng)
            made += list(((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
            labels.append(y.argmax(1).numpy())
        return made, np.concatenate(labels)
