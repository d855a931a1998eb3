"""Guidance that is learned in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from limn.kernel.errors import InputError
from limn.networks.transformer import Transformer, TransformerConfig
from limn.train.loop import train
from limn.train.recipe import Data, Optimiser, Recipe, Schedule
from limn.train.tasks.distilled import Distilled, guided

NETWORK = {"width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 32, "patch": 8, "text_width": 128}
RECIPE = Recipe(
    name="teacher",
    data=Data(world="people"),
    network=NETWORK,
    optimiser=Optimiser(name="adamw", lr=0.003, batch=8),
    schedule=Schedule(steps=3, warmup=1),
)


def test_guided_answers_are_linear_in_the_scale() -> None:
    torch.manual_seed(0)
    network = Transformer(TransformerConfig(**NETWORK))
    torch.nn.init.normal_(network.head.weight)
    torch.nn.init.normal_(network.head_modulation.weight, std=0.1)
    x, time, text = torch.randn(2, 3, 32, 32), torch.rand(2), torch.randn(2, 4, 128)
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    with torch.no_grad():
        said, free = network(x, time, text, mask), network(x, time, text, torch.zeros_like(mask))
    for scale in (0.0, 1.0, 3.5):
        wanted = free + scale * (said - free)
        torch.testing.assert_close(guided(network, x, time, text, mask, scale), wanted, atol=1e-5, rtol=1e-4)


def test_a_student_starts_as_its_teacher_and_learns_the_difference(tmp_path: Path) -> None:
    for _ in train(RECIPE, tmp_path / "teacher"):
        pass
    student = replace(RECIPE, task="distilled", init=str(tmp_path / "teacher"), objective={"guided": 1.0})
    plain, strong = (
        Distilled(replace(student, precision="float32", objective={"guided": scale}), "cpu") for scale in (1.0, 4.0)
    )
    for task in (plain, strong):
        task.network.load_state_dict(task.teacher.state_dict())
    assert plain.loss(0).item() < 1e-9, "what guidance of 1 asks for is known already"
    first = strong.loss(0)
    assert first.item() > 1e-7
    first.backward()
    assert all(each.grad is None for each in strong.teacher.parameters())
    with torch.no_grad():
        for each in strong.network.parameters():
            if each.grad is not None:
                each -= 0.01 * each.grad / each.grad.norm().clamp_min(1e-12)
    assert strong.loss(0) < first


def test_a_teacher_and_a_scale_are_needed() -> None:
    for objective, init in (({}, "emoji"), ({"guided": 3.0}, "")):
        with pytest.raises(InputError, match=r"init and objective.guided"):
            Distilled(replace(RECIPE, task="distilled", objective=objective, init=init), "cpu")
