"""What a generator sees of its pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from limn.train.recipe import parse
from limn.train.tasks.generator import Drawing, Generator, generation

TINY = {"width": 16, "depth": 1, "heads": 1, "channels": 3, "grid": 32, "patch": 4, "text_width": 128}


class Spy:
    """Answers with zeros and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Tensor, Tensor | None]] = []

    def __call__(self, x: Tensor, *rest: Any, lines: Tensor | None = None) -> Tensor:
        self.asked.append((x, lines))
        return torch.zeros_like(x, requires_grad=True)


def seen(partial: float, steps: int = 12) -> list[tuple[Tensor, Tensor | None]]:
    task = Generator(
        parse({
            "name": "tiny", "data": {"world": "shapes"}, "network": TINY, "optimiser": {"batch": 2},
            "schedule": {"steps": steps}, "objective": {"partial": partial},
        }),
        "cpu",
    )  # fmt: skip
    spy = Spy()
    task.answer = spy
    for step in range(steps):
        task.loss(step)
    return spy.asked


def test_whole_pictures_unless_told() -> None:
    """Without ``partial`` a step sees every line."""
    assert all(x.shape == (2, 3, 32, 32) and lines is None for x, lines in seen(0.0))


def test_partial_steps_see_half_of_the_lines_of_patches() -> None:
    """Four of eight lines, each once, in order, other ones in other steps; the same in every run."""
    found = seen(1.0)
    drawn = [lines.tolist() for x, lines in found if lines is not None and x.shape == (2, 3, 16, 32)]
    assert len(drawn) == len(found)
    assert all(each == sorted(set(each)) and len(each) == 4 and max(each) < 8 for each in drawn)
    assert len({tuple(each) for each in drawn}) > 6
    assert drawn == [lines.tolist() for _, lines in seen(1.0) if lines is not None]


def test_a_share_of_the_steps_is_partial() -> None:
    """Of forty groups of eight steps about half see all, and a group agrees."""
    groups = np.array([lines is not None for _, lines in seen(0.5, 320)]).reshape(40, 8)
    assert (groups.all(1) | ~groups.any(1)).all()
    assert 10 < groups[:, 0].sum() < 30


@pytest.mark.parametrize("target", ["flow", "eps", "x0"])
def test_a_network_that_knows_the_answer_has_no_loss(target: str) -> None:
    clean = torch.randn(6, 2, 4, 4)

    def oracle(x: Tensor, time: Tensor) -> Tensor:
        sigma = time[:, None, None, None]
        noise = (x - (1 - sigma) * clean) / sigma
        return {"flow": noise - clean, "eps": noise, "x0": clean}[target]

    objective = Drawing(target=target)  # type: ignore[arg-type]
    assert generation(oracle, clean, objective, torch.Generator().manual_seed(0)) < 1e-6


def test_answering_nothing_costs_what_the_target_weighs() -> None:
    clean = torch.zeros(64, 3, 8, 8)
    loss = generation(lambda x, _: 0 * x, clean, Drawing(), torch.Generator().manual_seed(0))
    assert loss == pytest.approx(1.0, abs=0.05)  # the mean square of the noise
