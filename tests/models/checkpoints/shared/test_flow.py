"""Levels of flow-matching checkpoints against diffusers' scheduler."""

from __future__ import annotations

import numpy as np
import pytest
from diffusers import FlowMatchEulerDiscreteScheduler

from limn.kernel.errors import InputError
from limn.models.checkpoints.flux2 import shift
from limn.models.checkpoints.shared.flow import Linear, schedule_of
from limn.samplers.euler import Euler

SHAPE = (16, 64, 96)
TOKENS = 32 * 48


@pytest.mark.parametrize("spacing", ["", "karras", "exponential", "beta"])
@pytest.mark.parametrize("fields", [{"shift": 3.0}, {"use_dynamic_shifting": True, "shift_terminal": 0.02}])
def test_levels_are_the_schedulers(fields: dict[str, object], spacing: str) -> None:
    own = {f"use_{spacing}_sigmas": True} if spacing else {}
    scheduler = FlowMatchEulerDiscreteScheduler(**fields, **own)
    mu = {"mu": Linear()(TOKENS, 5)} if "use_dynamic_shifting" in fields else {}
    scheduler.set_timesteps(sigmas=np.linspace(1, 1 / 5, 5), **mu)
    levels = schedule_of(fields, patch=2).levels(5, Euler(), spacing, SHAPE)
    assert [level.sigma for level in levels] == scheduler.sigmas.tolist()
    assert [level.time for level in levels[:-1]] == scheduler.timesteps.tolist()
    assert all(level.alpha + level.sigma == pytest.approx(1) for level in levels)


def test_the_scheduler_may_place_them_itself() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(7)
    levels = schedule_of({"shift": 3.0}, patch=2, trailing=False).levels(7, Euler(), "", SHAPE)
    assert [level.sigma for level in levels] == scheduler.sigmas.tolist()


def test_shifts_are_the_pipelines() -> None:
    from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

    assert Linear()(256, 1) == pytest.approx(0.5)
    assert Linear()(4096, 1) == pytest.approx(1.15)
    for tokens in (256, 4096, 4301, 9000):
        assert shift(tokens, 4) == pytest.approx(compute_empirical_mu(tokens, 4))


def test_what_cannot_be_walked_is_refused() -> None:
    schedule = schedule_of({}, patch=2)
    with pytest.raises(InputError, match="spacing: 'leading' is not for this model"):
        schedule.levels(4, Euler(), "leading", SHAPE)
    with pytest.raises(InputError, match="steps: 0"):
        schedule.levels(0, Euler(), "", SHAPE)
    assert schedule.start_scale(4, Euler()) == 1
