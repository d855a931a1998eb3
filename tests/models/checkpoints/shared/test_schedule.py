"""What a scheduler's file says, in limn's terms."""

from __future__ import annotations

from typing import Any

import pytest

from limn.kernel import registry
from limn.models.checkpoints.shared.schedule import sampler_of, schedule_of, target_of

FIELDS: dict[str, Any] = {
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}


@pytest.mark.parametrize(
    ("changes", "sampler"),
    [
        ({}, "ddim"),
        ({"_class_name": "DDIMScheduler"}, "ddim"),
        ({"_class_name": "EulerDiscreteScheduler"}, "euler"),
        ({"_class_name": "EulerAncestralDiscreteScheduler"}, "euler_ancestral"),
        ({"_class_name": "HeunDiscreteScheduler"}, "heun"),
        ({"_class_name": "DPMSolverMultistepScheduler"}, "dpmpp_2m"),
        ({"_class_name": "DPMSolverMultistepScheduler", "solver_order": 3}, "ddim"),
        ({"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++"}, "dpmpp_2m_sde"),
        ({"_class_name": "DPMSolverSinglestepScheduler", "algorithm_type": "sde-dpmsolver++"}, "dpmpp_sde"),
        ({"_class_name": "DPMSolverSinglestepScheduler", "solver_order": 3}, "ddim"),
        ({"_class_name": "LCMScheduler"}, "lcm"),
        ({"_class_name": "UniPCMultistepScheduler", "solver_type": "bh2"}, "unipc"),
        ({"_class_name": "UniPCMultistepScheduler", "solver_type": "bh1"}, "ddim"),
    ],
)
def test_the_sampler_has_the_schedulers_name_where_limn_has_one(changes: dict[str, Any], sampler: str) -> None:
    assert registry.record(sampler_of(FIELDS | changes))["name"] == sampler


def test_targets() -> None:
    said = {None: "eps", "epsilon": "eps", "v_prediction": "v", "sample": "x0"}
    for name, target in said.items():
        assert target_of(FIELDS | ({"prediction_type": name} if name else {})) == target


def test_the_offset_is_the_pipelines() -> None:
    assert schedule_of(FIELDS | {"steps_offset": 0}).steps_offset == 1


def test_pndm_ends_at_the_first_timestep_and_ddim_clean() -> None:
    assert not schedule_of(FIELDS).set_alpha_to_one
    assert schedule_of(FIELDS | {"_class_name": "DDIMScheduler"}).set_alpha_to_one


def test_spacing_is_the_samplers_own_unless_said() -> None:
    assert schedule_of(FIELDS).spacing is None
    assert schedule_of(FIELDS | {"timestep_spacing": "trailing"}).spacing == "trailing"
    assert schedule_of(FIELDS | {"beta_schedule": "squaredcos_cap_v2"}).betas == "cosine"
    assert schedule_of(FIELDS | {"rescale_betas_zero_snr": True, "use_karras_sigmas": True}).zero_snr


def test_options_of_a_scheduler_are_its_samplers() -> None:
    assert registry.record(sampler_of(FIELDS | {"_class_name": "DPMSolverSinglestepScheduler"}))["eta"] == 0
    third = sampler_of(FIELDS | {"_class_name": "UniPCMultistepScheduler", "solver_order": 3})
    assert registry.record(third)["solver_order"] == 3
    scaled = sampler_of(FIELDS | {"_class_name": "LCMScheduler", "timestep_scaling": 4.0})
    assert registry.record(scaled)["timestep_scaling"] == 4


@pytest.mark.parametrize("way", ["karras", "exponential", "beta"])
def test_noise_is_spaced_as_the_scheduler_says(way: str) -> None:
    assert schedule_of(FIELDS).sigmas is None
    assert schedule_of(FIELDS | {f"use_{way}_sigmas": True}).sigmas == way
