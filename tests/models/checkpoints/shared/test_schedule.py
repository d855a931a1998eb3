"""Every scheduler that diffusers saves is drawn with the sampler that equals it, or with one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ideal import nothing
from limn.kernel import registry
from limn.kernel.errors import WeightsError
from limn.kernel.rng import Streams
from limn.models.checkpoints.shared.configs import read_part
from limn.models.checkpoints.shared.schedule import EQUAL, NEAR, notes_of, sampler_of, schedule_of, target_of
from limn.predictors.diffusion import Diffusion

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
SHAPE = (2, 4, 4)
V = {"prediction_type": "v_prediction"}
ZERO = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
USUAL: dict[str, list[dict[str, Any]]] = {
    "DDIMScheduler": [{}, {"set_alpha_to_one": False, "steps_offset": 1}, V, ZERO | V],
    "DDIMParallelScheduler": [{}],
    "DDPMScheduler": [{}, V, {"steps_offset": 1}],
    "DDPMParallelScheduler": [{}],
    "DPMSolverMultistepScheduler": [
        {}, {"use_karras_sigmas": True}, {"algorithm_type": "sde-dpmsolver++"}, {"euler_at_final": True}, V,
        {"lower_order_final": False}, {"lambda_min_clipped": -5.1}, {"timestep_spacing": "trailing"},
    ],
    "DPMSolverSinglestepScheduler": [
        {"lower_order_final": True}, {"lower_order_final": True, "algorithm_type": "sde-dpmsolver++"},
    ],
    "EulerAncestralDiscreteScheduler": [{}, {"timestep_spacing": "trailing"}, V],
    "EulerDiscreteScheduler": [
        {}, {"timestep_spacing": "leading", "steps_offset": 1}, {"timestep_spacing": "trailing"}, V, ZERO | V,
        {"use_exponential_sigmas": True}, {"use_beta_sigmas": True},
    ],
    "HeunDiscreteScheduler": [{}, {"use_karras_sigmas": True}],
    "LCMScheduler": [{}, {"timestep_scaling": 5.0}],
    "TCDScheduler": [{}],
    "UniPCMultistepScheduler": [{}, {"solver_order": 3}, {"use_karras_sigmas": True}],
}  # fmt: skip
OTHERWISE: list[tuple[str, dict[str, Any], str]] = [
    ("DPMSolverMultistepScheduler", {"solver_order": 3}, "drawn with dpmpp_2m, which has no solver_order"),
    ("DPMSolverMultistepScheduler", {"solver_type": "heun"}, "no solver_type"),
    ("DPMSolverMultistepScheduler", {"thresholding": True}, "no thresholding"),
    ("DPMSolverMultistepScheduler", {"final_sigmas_type": "sigma_min"}, "no final_sigmas_type=sigma_min"),
    ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True}, "no use_lu_lambdas"),
    ("DPMSolverMultistepScheduler", {"lambda_min_clipped": -2.0}, "no lambda_min_clipped"),
    ("DDPMScheduler", {"variance_type": "fixed_large"}, "drawn with ddim, which has no a variance"),
    ("EulerDiscreteScheduler", {"timestep_type": "continuous"}, "no timestep_type=continuous"),
    ("EulerDiscreteScheduler", {"sigma_min": 0.1, "sigma_max": 10.0}, "no sigma_min and sigma_max"),
    ("EulerDiscreteScheduler", {"interpolation_type": "log_linear"}, "no interpolation_type=log_linear"),
    ("LCMScheduler", {"original_inference_steps": 100}, "no original_inference_steps"),
    ("UniPCMultistepScheduler", {"solver_type": "bh1"}, "no solver_type=bh1"),
    ("UniPCMultistepScheduler", {"disable_corrector": [0, 1]}, "no disable_corrector"),
    ("UniPCMultistepScheduler", {"predict_x0": False}, "no predict_x0=false"),
    ("UniPCMultistepScheduler", {"lower_order_final": False}, "no lower_order_final=false"),
]


def saved(folder: Path, name: str, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a scheduler, and what limn reads of what it saved."""
    scheduler = getattr(diffusers, name)(**BETAS, **options)
    scheduler.save_pretrained(folder / "scheduler")
    return scheduler, read_part(folder, "scheduler")


def network(x: Tensor, time: Tensor, *rest: object) -> Tensor:
    """Something nonlinear that depends on all it is told."""
    return torch.tanh(0.9 * x + 0.3 * torch.sin(2 * x) + time.to(x).view(-1, 1, 1, 1) / 1000) + 0.1 * x.flip(-1)


@pytest.mark.parametrize(("name", "options"), [(name, own) for name, several in USUAL.items() for own in several])
def test_what_equals_a_scheduler_draws_as_it_does(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    clamps = {} if name.startswith(("Euler", "DPM", "UniPC")) else {"clip_sample": False}
    scheduler, fields = saved(tmp_path, name, {**options, **clamps})
    assert notes_of(fields, clips=True) == []
    steps, seed = 5, 3  # where they divide the timesteps, diffusers' next timestep is that of its own list
    scheduler.set_timesteps(steps)
    random = torch.Generator().manual_seed(seed)
    noisy = name.startswith(("DDPM", "EulerA", "LCM")) or "sde" in str(options.get("algorithm_type"))
    kind = torch.float32 if noisy else torch.float64  # other noise is drawn in double precision
    x = torch.randn(1, *SHAPE, generator=random).to(kind) * scheduler.init_noise_sigma
    extra = {"eta": 0.0} if name == "TCDScheduler" else {}
    if noisy:
        extra["generator"] = random
    for t in scheduler.timesteps:
        answer = network(scheduler.scale_model_input(x, t), t.expand(1))
        x = scheduler.step(answer, t, x, **extra).prev_sample
    schedule, sampler, streams = schedule_of(fields), sampler_of(fields), Streams([seed])
    predictor = Diffusion(network=network, target=target_of(fields))
    start = streams.normal(SHAPE).to(kind) * schedule.start_scale(steps, sampler)
    levels = schedule.levels(steps, sampler)
    *_, last = sampler.walk(lambda step: predictor(step.x, step.level, nothing(1), []), start, levels, streams)
    torch.testing.assert_close(last.x.to(x), x, rtol=0, atol=2e-5 * float(x.abs().max().clamp(min=1)))


@pytest.mark.parametrize(("name", "options", "match"), OTHERWISE)
def test_options_that_no_sampler_has_are_named(
    name: str, options: dict[str, Any], match: str, tmp_path: Path
) -> None:
    _, fields = saved(tmp_path, name, options)
    (note,) = notes_of(fields)
    assert match in note


@pytest.mark.parametrize("name", NEAR)
def test_schedulers_that_are_not_here_are_named_with_what_stands_in(name: str, tmp_path: Path) -> None:
    options = {"skip_prk_steps": True} if name == "PNDMScheduler" else {}
    try:
        _, fields = saved(tmp_path, name, options)
    except ImportError:
        pytest.skip("the scheduler needs a library that is not here")
    assert notes_of(fields) == [f"{name} is not here; drawn with {NEAR[name]}"]
    assert registry.name_of(sampler_of(fields)) == NEAR[name]


def test_every_scheduler_of_such_models_is_known() -> None:
    from diffusers.schedulers import KarrasDiffusionSchedulers

    edm = {"EDMEulerScheduler"}  # of networks that are preconditioned in another way
    assert {one.name for one in KarrasDiffusionSchedulers} - edm <= {*EQUAL, *NEAR}


def test_a_scheduler_of_other_models_is_refused(tmp_path: Path) -> None:
    diffusers.FlowMatchEulerDiscreteScheduler().save_pretrained(tmp_path / "scheduler")
    with pytest.raises(WeightsError, match=r"_class_name is 'FlowMatchEuler.*limn takes"):
        read_part(tmp_path, "scheduler")


def test_clamping_is_told_where_the_pipeline_follows_it(tmp_path: Path) -> None:
    _, fields = saved(tmp_path, "DDIMScheduler", {})
    assert notes_of(fields) == []
    assert notes_of(fields, clips=True) == ["drawn with ddim, which has no clip_sample"]


def test_the_offset_may_be_the_pipelines(tmp_path: Path) -> None:
    _, fields = saved(tmp_path, "DDIMScheduler", {"steps_offset": 0})
    assert schedule_of(fields, steps_offset=1).steps_offset == 1
    assert schedule_of(fields).steps_offset == 0
