from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from limn.kernel.errors import InputError, LimnError
from limn.train import optimise
from limn.train.data_parallel import Team, gathered, share_of
from limn.train.loop import train
from limn.train.recipe import Recipe, parse
from limn.train.task import find

TINY = {
    "name": "tiny",
    "data": {"world": "shapes"},
    "network": {"width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 32, "patch": 8, "text_width": 128},
    "optimiser": {"name": "muon", "batch": 4},
    "schedule": {"steps": 3, "warmup": 2},
    "saving": {"sheet_minutes": 0.0, "prompts": ["a red circle"]},
}  # fmt: skip


def tiny(**changes: object) -> Recipe:
    return dataclasses.replace(parse(TINY), **changes)  # type: ignore[arg-type]


def by_hand(recipe: Recipe, size: int) -> dict[str, torch.Tensor]:
    """What a team should learn, computed by one process that averages the gradients of all parts."""
    torch.manual_seed(0)
    task = find(recipe.task)(share_of(recipe, size), "cpu")
    optimisers, network = optimise.make(task.network, recipe.optimiser), task.network
    for step in range(recipe.schedule.steps):
        optimise.set_rate(optimisers, recipe.optimiser.lr * recipe.schedule.rate(step, step / recipe.schedule.steps))
        for part in range(size):
            (task.loss(step * size + part) / size).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.optimiser.clip)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad()
    return network.state_dict()


@pytest.mark.slow
def test_two_workers_learn_what_one_process_learns_from_both_parts(tmp_path: Path) -> None:
    seen = list(train(tiny(), tmp_path, device="cpu", workers=2))
    assert seen[-1].step == 3
    (path,) = tmp_path.glob("model-*.safetensors")
    found, wanted = load_file(path), by_hand(tiny(), 2)
    assert found.keys() == wanted.keys()
    for name, each in wanted.items():
        assert torch.allclose(found[name], each, atol=1e-6), name


@pytest.mark.slow
def test_a_stopped_team_goes_on(tmp_path: Path) -> None:
    walk = train(tiny(), tmp_path, device="cpu", workers=2)
    assert next(walk).step == 1
    walk.close()  # type: ignore[attr-defined]
    assert [each.step for each in train(tiny(), tmp_path, device="cpu", workers=2)] == [2, 3, 3]


@pytest.mark.parametrize("size", [0, 3])
def test_batches_are_parted_evenly(tmp_path: Path, size: int) -> None:
    with pytest.raises(InputError, match="workers"):
        next(train(tiny(), tmp_path, device="cpu", workers=size))


def test_workers_share_a_cpu_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CPU"):
        next(train(tiny(), tmp_path, device="meta", workers=2))


@pytest.mark.slow
def test_a_worker_that_dies_is_told_of() -> None:
    network = torch.nn.Linear(2, 1)
    network(torch.ones(1, 2)).sum().backward()
    with gathered(2, network, _dies, ()) as team, pytest.raises(LimnError, match="worker"):
        team.average(network, torch.tensor(1.0), 0.1)


def test_one_process_is_a_team_of_its_own() -> None:
    network = torch.nn.Linear(2, 1)
    with gathered(1, network, _dies, ()) as team:
        assert team.average(network, torch.tensor(2.0), 0.1) == (2.0, 0.1, True)
        assert [team.place(step) for step in range(3)] == [0, 1, 2]


def _dies(team: Team) -> None:
    time.sleep(0.1)
