"""Every sampler equals the diffusers scheduler of the same name on the same network."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from ideal import nothing
from limn.kernel import registry
from limn.kernel.rng import Streams
from limn.kernel.sampler import Sampler, Schedule
from limn.predictors.diffusion import Diffusion, Target
from limn.samplers.levels import Discrete, Edm, Flow

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # numpy's, for code of theirs

CLASSES = {
    "euler_ancestral": "EulerAncestralDiscreteScheduler",
    "ddim": "DDIMScheduler",
    "dpm": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
}
BETAS = {"linear": "linear", "scaled_linear": "scaled_linear", "cosine": "squaredcos_cap_v2"}
PREDICTIONS = {"eps": "epsilon", "v": "v_prediction", "x0": "sample"}
STEPS = [1, 2, 5, 20]
SEEDS = [11, 12]
SHAPE = (3, 4, 4)


def network(x: Tensor, time: Tensor, *rest: object) -> Tensor:
    """Something nonlinear that depends on all it is told."""
    share = time.to(x.dtype).view(-1, *[1] * (x.ndim - 1)) / 1000
    return torch.tanh(0.9 * x + 0.3 * torch.sin(2 * x) + share) + 0.1 * x.flip(-1)


def theirs(scheduler: Any, steps: int, kind: torch.dtype, **options: Any) -> Tensor:
    """What a diffusers pipeline does around its network, with one generator for each picture."""
    scheduler.set_timesteps(steps)
    generators = [torch.Generator().manual_seed(seed) for seed in SEEDS]
    x = torch.stack([torch.randn(SHAPE, generator=each) for each in generators]).to(kind)
    x = x * getattr(scheduler, "init_noise_sigma", 1.0)
    if "generator" in options:
        options["generator"] = generators
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        x = scheduler.step(network(scaled, t.expand(len(SEEDS))), t, x, **options).prev_sample
    return x


def ours(part: Sampler, schedule: Schedule, target: Target, steps: int, kind: torch.dtype) -> Tensor:
    streams, predictor = Streams(SEEDS), Diffusion(network=network, target=target)
    start = streams.normal(SHAPE).to(kind) * schedule.start_scale(steps, part)
    levels, conditioning = schedule.levels(steps, part), nothing(len(SEEDS))
    *_, last = part.walk(lambda step: predictor(step.x, step.level, conditioning, []), start, levels, streams)
    return last.x


def scheduler(name: str, schedule: Discrete, target: Target, **options: Any) -> Any:
    if name == "ddim":
        options |= {"clip_sample": False, "set_alpha_to_one": schedule.set_alpha_to_one}
    if schedule.karras:
        options["use_karras_sigmas"] = True
    if schedule.zero_snr:
        options["rescale_betas_zero_snr"] = True
    if schedule.spacing:
        options["timestep_spacing"] = schedule.spacing
    return getattr(diffusers, CLASSES[name])(
        num_train_timesteps=schedule.timesteps,
        beta_start=schedule.beta_start,
        beta_end=schedule.beta_end,
        beta_schedule=BETAS[schedule.betas],
        prediction_type=PREDICTIONS[target],
        steps_offset=schedule.steps_offset,
        **options,
    )


def close(one: Tensor, other: Tensor) -> None:
    """Equal to 1e-5 of the largest value, and of 1 where all are smaller."""
    scale = max(1.0, other.abs().max().item())
    assert (one.double() - other.double()).abs().max().item() <= 1e-5 * scale


def sampler(name: str, **options: Any) -> Sampler:
    part = registry.build("samplers", {"name": name, **options})
    assert isinstance(part, Sampler)
    return part


def check(name: str, schedule: Discrete, target: Target, kind: torch.dtype, **options: Any) -> None:
    extra = {"generator": None, **options} if name in ("ddim", "euler_ancestral") else {}
    for count in STEPS:
        wanted = theirs(scheduler(name, schedule, target), count, kind, **extra)
        close(ours(sampler(name, **options), schedule, target, count, kind), wanted)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("target", ["eps", "v"])
@pytest.mark.parametrize("spacing", [None, "leading", "trailing", "linspace"])
def test_spacings_and_step_counts(name: str, target: Target, spacing: Any) -> None:
    if (name, spacing) == ("ddim", "linspace"):
        pytest.skip(
            "diffusers' DDIM steps to levels it then does not ask about; see docs/decisions/0005-samplers.md"
        )
    for offset in (0, 1):
        check(name, Discrete(spacing=spacing, steps_offset=offset), target, torch.float32)


@pytest.mark.parametrize("name", ["ddim", "dpm", "euler", "heun"])
@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_double_precision(name: str, target: Target) -> None:
    check(name, Discrete(spacing="trailing"), target, torch.float64)


@pytest.mark.parametrize(("name", "betas"), [*product(CLASSES, ["linear", "cosine"])])
def test_betas(name: str, betas: Any) -> None:
    # At 20 leading steps the cosine schedule stays clear of sigma / alpha beyond 1e3, where float32 of theirs ends.
    schedule = Discrete(betas=betas, beta_start=1e-4, beta_end=0.02, spacing="leading")
    for target in ("eps", "v"):
        check(name, schedule, target, torch.float32)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "target"), [*product(["euler", "heun", "dpm"], ["eps", "v"])])
def test_karras_sigmas(name: str, target: Target) -> None:
    for spacing in ("leading", "linspace"):
        schedule = Discrete(karras=True, spacing=spacing, steps_offset=1)  # type: ignore[arg-type]
        check(name, schedule, target, torch.float32)


@pytest.mark.parametrize("name", ["euler_ancestral", "ddim", "dpm", "euler"])
def test_zero_terminal_signal(name: str) -> None:
    # In float32 sigma / alpha of 4096 leaves theirs four digits where ours keeps them all.
    schedule = Discrete(zero_snr=True, spacing="trailing")
    for steps in STEPS:
        extra = {"generator": None} if name in ("ddim", "euler_ancestral") else {}
        wanted = theirs(scheduler(name, schedule, "v"), steps, torch.float32, **extra)
        got = ours(sampler(name), schedule, "v", steps, torch.float32)
        assert (got - wanted).abs().max().item() <= (1e-5 if name in ("ddim", "dpm") else 2e-3)


@pytest.mark.parametrize("target", ["eps", "v"])
@pytest.mark.parametrize("clean", [True, False])
def test_ddim_with_noise_and_either_end(target: Target, clean: bool) -> None:
    for offset, eta in product((0, 1), (0.3, 1.0)):
        check("ddim", Discrete(set_alpha_to_one=clean, steps_offset=offset), target, torch.float32, eta=eta)


@pytest.mark.parametrize("lower", [True, False])
def test_dpm_order_of_the_last_step(lower: bool) -> None:
    schedule = Discrete()
    for steps in (5, 14, 15, 20):
        wanted = theirs(scheduler("dpm", schedule, "eps", lower_order_final=lower), steps, torch.float32)
        close(ours(sampler("dpm", lower_order_final=lower), schedule, "eps", steps, torch.float32), wanted)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_euler_on_flow_levels(shift: float) -> None:
    def told_in_thousands(x: Tensor, time: Tensor, *rest: object) -> Tensor:
        return network(x, time * 1000)

    for steps, kind in product(STEPS, (torch.float32, torch.float64)):
        wanted = theirs(diffusers.FlowMatchEulerDiscreteScheduler(shift=shift), steps, kind)
        schedule, part = Flow(shift=shift, spacing="linspace"), sampler("euler")
        predictor, streams = Diffusion(network=told_in_thousands, target="flow"), Streams(SEEDS)
        start, levels = streams.normal(SHAPE).to(kind), schedule.levels(steps, part)
        conditioning = nothing(len(SEEDS))
        *_, last = part.walk(
            lambda step, ask=predictor, rows=conditioning: ask(step.x, step.level, rows, []), start, levels, streams
        )
        close(last.x, wanted)


def test_edm_levels() -> None:
    for steps in (2, 5, 20):
        other = diffusers.EDMEulerScheduler(sigma_min=0.002, sigma_max=80.0, rho=7.0)
        other.set_timesteps(steps)
        levels = Edm().levels(steps, sampler("euler"))
        assert [level.sigma for level in levels] == pytest.approx(other.sigmas.tolist(), rel=1e-5)
        assert [level.time for level in levels[:-1]] == pytest.approx(other.timesteps.tolist(), rel=1e-5, abs=1e-5)
        assert math.isclose(Edm().start_scale(steps, sampler("euler")), 80)
