"""A task of one's own: one class, from any file, trained, exported and resumed like limn's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.io.configurations import build
from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.networks.token_embeddings import TokenVectors
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse, within
from limn.train.settings import changed
from limn.train.task import Objective, Task, find
from limn.train.worlds import WORLDS


@dataclass(frozen=True, kw_only=True)
class MeanConfig:
    """The shape of the network."""

    channels: int = 3


class Mean(nn.Module):
    """Knows one colour."""

    def __init__(self, config: MeanConfig) -> None:
        super().__init__()
        self.config = config
        self.colour = nn.Parameter(torch.zeros(config.channels))

    @classmethod
    def from_config(cls, fields: Mapping[str, Any]) -> Mean:
        """Build from a recipe's fields."""
        return cls(build(MeanConfig, fields, what="field"))


@dataclass(frozen=True, kw_only=True)
class Weighing(Objective):
    """How much errors weigh."""

    weight: float = 1.0

    def __post_init__(self) -> None:
        within(self, "objective.", weight=(0, 10))


class MeanColour(Task[Mean, Weighing]):
    """Learning the mean colour of pictures."""

    Network = Mean
    Objective = Weighing

    def __init__(self, recipe: Recipe, device: str) -> None:
        super().__init__(recipe, device)
        self.pictures = WORLDS[recipe.data.world](recipe, TokenVectors()).pictures

    def loss(self, step: int) -> Tensor:
        """Return the squared error."""
        error = self.pictures(step).clean.mean((0, 2, 3)) - self.network.colour
        return self.objective.weight * error.square().sum()

    def show(self, network: Mean) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Show nothing."""
        return np.zeros((8, 8, 3), np.uint8), {"red": network.colour[0].item()}


RECIPE: dict[str, Any] = {
    "name": "own", "task": "mean_colour", "data": {"world": "shapes"}, "objective": {"weight": 2.0}, "ema": 0.5,
    "optimiser": {"batch": 4, "lr": 0.05}, "schedule": {"steps": 20, "warmup": 1},
}  # fmt: skip


def test_a_class_from_any_file_is_a_task(tmp_path: Path) -> None:
    assert find("mean_colour") is MeanColour
    recipe = changed(parse(RECIPE), ["objective.weight=3"])
    assert recipe.objective == {"weight": 3.0}
    for event in train(recipe, tmp_path / "run", device="cpu"):
        if event.step == 7:
            break
    *_, last = train(recipe, tmp_path / "run", device="cpu")
    assert last.step == 20
    assert abs(last.scores["red"]) > 0.05
    export(tmp_path / "run", tmp_path / "model")
    assert json.loads((tmp_path / "model" / "config.json").read_text()) == {"channels": 3}
    assert "mean_colour" in (tmp_path / "model" / "MODEL_CARD.md").read_text()


def test_its_objective_is_read_as_strictly_as_any() -> None:
    for fields, message in [({"wait": 1}, "did you mean 'objective.weight'"), ({"weight": 11}, "from 0 to 10")]:
        with pytest.raises(InputError, match=message):
            MeanColour(parse({**RECIPE, "objective": fields}), "cpu")


def test_a_task_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(InputError, match="did you mean 'generator'"):
        find("generatr")


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_every_task_of_limn_has_a_card_and_a_test(name: str) -> None:
    task = find(name)
    about = task.about(parse({"name": "a", "schedule": {"steps": 1}}))
    assert about.kind.startswith(("A ", "An "))
    assert about.objective
    assert (Path(__file__).parent / "tasks" / f"test_{name}.py").is_file()


def test_older_names_of_tasks_stay() -> None:
    assert find("reader") is find("attribute_classifier")
