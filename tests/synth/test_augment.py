"""Augmentation keeps form and range, is the same from the same numbers, and mixes labels as pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limn.synth.augment import AUGMENTATIONS, mixup


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_form_range_and_repeat(name: str) -> None:
    states = torch.rand(33, 3, 16, 16) * 2 - 1
    labels = torch.eye(3)[torch.arange(33) % 3]
    first, second = (AUGMENTATIONS[name](states, labels, np.random.default_rng(5)) for _ in range(2))
    assert first[0].shape == states.shape
    assert torch.equal(first[0], second[0])
    assert float(first[0].abs().max()) <= 1
    assert torch.allclose(first[1].sum(1), torch.ones(33))
    assert torch.equal(first[0], states) == (name == "none")


def test_mixing_is_linear_in_picture_and_label() -> None:
    states = torch.stack([torch.full((3, 8, 8), value) for value in (-1.0, 1.0)] * 8)
    labels = torch.eye(2).repeat(8, 1)
    mixed, shares = mixup(states, labels, np.random.default_rng(1))
    assert torch.allclose(mixed[:, 0, 0, 0], shares[:, 1] * 2 - 1, atol=1e-5)
