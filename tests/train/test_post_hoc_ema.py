"""Averages chosen after training, against averages that were kept all along."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch import nn

import streams
from limn import cli
from limn.kernel.errors import InputError
from limn.networks.weights import read_tensors
from limn.train.checkpoint import load
from limn.train.loop import train
from limn.train.post_hoc_ema import LENGTHS, Powers, coefficients, power_of, reconstructed

PLAN = {"network": streams.SHAPE, "schedule": {"steps": 24, "warmup": 1}, "saving": {"steps": 10, "snapshots": 4}}


@pytest.mark.parametrize("length", [0.02, 0.05, 0.1, 0.2, 0.28])
def test_a_profile_has_its_length(length: float) -> None:
    power = power_of(length)
    moments = [quad(lambda t, k=k: (power + 1) * t ** (power + k), 0, 1)[0] for k in range(3)]
    assert moments[0] == pytest.approx(1)
    assert (moments[2] - moments[1] ** 2) ** 0.5 == pytest.approx(length, rel=1e-6)


def test_products_of_profiles_are_their_integrals() -> None:
    from limn.train.post_hoc_ema import _product

    end, power, other, further = 3.0, 4.0, 5.0, 2.0
    exact = quad(
        lambda t: (power + 1) * t**power / end ** (power + 1) * (further + 1) * t**further / other ** (further + 1),
        0, 3,
    )[0]  # fmt: skip
    assert float(_product(*map(np.array, (end, power, other, further)))) == pytest.approx(exact)


def test_what_was_written_is_itself() -> None:
    times, lengths = [100, 100, 200, 200], [0.05, 0.1, 0.05, 0.1]
    assert coefficients(times, lengths, 200, 0.1) == pytest.approx([0, 0, 0, 1], abs=1e-6)


class Walk(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(64, dtype=torch.float64))


@pytest.mark.parametrize("length", [0.04, 0.07, 0.13, 0.18])
def test_any_length_is_near_the_average_kept_all_along(length: float, tmp_path: Path) -> None:
    generator, network = torch.Generator().manual_seed(0), Walk()
    powers, exact, steps = Powers(network), torch.zeros(64, dtype=torch.float64), 2000
    for step in range(1, steps + 1):
        with torch.no_grad():
            network.place += torch.randn(64, generator=generator, dtype=torch.float64)
        powers.update(network, step)
        exact.lerp_(network.place.detach(), 1 - (1 - 1 / step) ** (power_of(length) + 1))
        if step % 125 == 0:
            powers.write(tmp_path, step)
    made = reconstructed(tmp_path, length, steps)["place"]
    last = network.place.detach()
    nearest = min((powers.weights[own]["place"] - exact).norm() for own in LENGTHS)
    assert (made - exact).norm() < 0.02 * (last - exact).norm()
    assert (made - exact).norm() < 0.1 * nearest


def test_a_resumed_run_writes_the_same_and_exports_any_length(tmp_path: Path) -> None:
    plan = streams.recipe("generator", **PLAN)
    list(train(plan, tmp_path / "through", device="cpu"))
    events = train(plan, tmp_path / "stopped", device="cpu")
    for event in events:
        if event.step == 13:
            events.close()
            break
    list(train(plan, tmp_path / "stopped", device="cpu"))
    for path in sorted((tmp_path / "through" / "snapshots").iterdir()):
        one, two = read_tensors(path), read_tensors(tmp_path / "stopped" / "snapshots" / path.name)
        assert all(torch.equal(one[name], two[name]) for name in one)
    state = load(tmp_path / "through")
    assert state is not None
    kept = {name[5:]: tensor for name, tensor in state.tensors["powers"].items() if name.startswith("0.10.")}
    made = reconstructed(tmp_path / "through", 0.10, 24)
    assert set(made) == set(kept)
    assert all(torch.allclose(made[name], kept[name], atol=2e-3) for name in kept)


def test_what_cannot_be_had_is_refused_before_anything_is_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    for words, reason in (
        (["--ema-length", "0.1"], "give --export FOLDER"),
        (["--ema-length", "0.1", "--export", str(tmp_path / "out")], "has no snapshots"),
        (["--ema-length", "0.5", "--export", str(tmp_path / "out")], "from 0.01 to 0.28"),
    ):
        assert cli.run(["train", "shapes", "--out", run, *words]) == 2
        assert reason in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    list(train(streams.recipe("generator", **{**PLAN, "saving": {"steps": 10}}), tmp_path / "other", device="cpu"))
    with pytest.raises(InputError, match="began without snapshots"):
        next(train(streams.recipe("generator", **PLAN), tmp_path / "other", device="cpu"))
