from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import streams
from limn.testing import check_task
from limn.train.recipe import Recipe
from limn.train.tasks.experts import Experts, Interval

SHAPE = {"width": 16, "depth": 2}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(streams.base(tmp_path_factory.mktemp("experts")))


def plan(parent: str, rank: int = 2, **objective: Any) -> Recipe:
    return streams.recipe("experts", network={**SHAPE, "rank": rank}, objective={"parent": parent, **objective})


@pytest.mark.parametrize("rank", [0, 2])
def test_it_is_a_task(parent: str, rank: int) -> None:
    check_task(Experts, plan(parent, rank))


@pytest.mark.parametrize("rank", [0, 2])
def test_an_expert_begins_as_its_parent(parent: str, rank: int) -> None:
    task = Experts(plan(parent, rank), "cpu")
    batch, text, mask, _ = task.drawing.batch(0)
    time = torch.rand(len(batch.clean))
    with torch.no_grad():
        plain = task.drawing.network(batch.clean, time, text, mask)
        with task.change.on(None):
            assert torch.equal(task.drawing.network(batch.clean, time, text, mask), plain)


def test_levels_stay_in_their_interval_and_have_its_share() -> None:
    whole, part = Interval(), Interval(low=0.5, high=0.875)
    low, high = part.quantile(torch.tensor([0.5, 0.875])).tolist()
    assert low == pytest.approx(0.5)  # the median of the logistic of a normal distribution of mean 0
    own = part.levels(20_000, torch.Generator().manual_seed(0))
    assert low <= own.min() and own.max() <= high  # noqa: PT018
    every = whole.levels(200_000, torch.Generator().manual_seed(1))
    share = ((every >= low) & (every < high)).float().mean()
    assert float(share) == pytest.approx(0.375, abs=0.005)


def test_it_is_trained_and_exported(parent: str, tmp_path: Path) -> None:
    from limn.io.configurations import read_json
    from limn.train.export import export

    export(streams.trained(plan(parent, low=0.5), tmp_path / "run"), tmp_path / "out")
    config = read_json(tmp_path / "out" / "expert.json")
    assert (config["low"], config["high"]) == (pytest.approx(0.5), 1.0)
