"""Every sampler equals the diffusers scheduler of the same name on the same network."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
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
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "euler": "EulerDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "unipc": "UniPCMultistepScheduler",
}
MORE = {
    "dpmpp_2m_sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "dpmpp_sde": ("DPMSolverSinglestepScheduler", {"algorithm_type": "sde-dpmsolver++", "lower_order_final": True}),
    "lcm": ("LCMScheduler", {}),
}
NOISY = ("ddim", "euler_ancestral", *MORE)
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
    if scheduler.timesteps[0] == 998:
        scheduler.timesteps[0] = 999  # theirs cuts 998.9999, which float32 made of it, to a whole timestep
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
    name, more = MORE.get(name, (CLASSES.get(name, "TCDScheduler"), {}))
    options |= more
    if name == "DDIMScheduler":
        options |= {"clip_sample": False, "set_alpha_to_one": schedule.set_alpha_to_one}
    if schedule.sigmas:
        options[f"use_{schedule.sigmas}_sigmas"] = True
    if schedule.zero_snr:
        options["rescale_betas_zero_snr"] = True
    if schedule.spacing:
        options["timestep_spacing"] = schedule.spacing
    if name != "DPMSolverSinglestepScheduler":
        options["steps_offset"] = schedule.steps_offset
    return getattr(diffusers, name)(
        num_train_timesteps=schedule.timesteps,
        beta_start=schedule.beta_start,
        beta_end=schedule.beta_end,
        beta_schedule=BETAS[schedule.betas],
        prediction_type=PREDICTIONS[target],
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
    extra = {"generator": None, **options} if name in NOISY else {}
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


@pytest.mark.parametrize("name", ["ddim", "dpmpp_2m", "euler", "heun", "unipc"])
@pytest.mark.parametrize("target", ["eps", "v", "x0"])
def test_double_precision(name: str, target: Target) -> None:
    check(name, Discrete(spacing="trailing"), target, torch.float64)


@pytest.mark.parametrize(("name", "betas"), [*product(CLASSES, ["linear", "cosine"])])
def test_betas(name: str, betas: Any) -> None:
    # At 20 leading steps the cosine schedule stays clear of sigma / alpha beyond 1e3, where float32 of theirs ends.
    schedule = Discrete(betas=betas, beta_start=1e-4, beta_end=0.02, spacing="leading")
    for target in ("eps", "v"):
        check(name, schedule, target, torch.float32)  # type: ignore[arg-type]


@pytest.mark.parametrize("sigmas", ["karras", "exponential", "beta"])
@pytest.mark.parametrize(("name", "target"), [*product(["euler", "heun", "dpmpp_2m", "unipc"], ["eps", "v"])])
def test_spacings_of_noise(name: str, target: Target, sigmas: Any) -> None:
    for spacing in ("leading", "linspace"):
        check(name, Discrete(sigmas=sigmas, spacing=spacing, steps_offset=1), target, torch.float32)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["euler_ancestral", "ddim", "dpmpp_2m", "euler"])
def test_zero_terminal_signal(name: str) -> None:
    # In float32 sigma / alpha of 4096 leaves theirs four digits where ours keeps them all.
    schedule = Discrete(zero_snr=True, spacing="trailing")
    for steps in STEPS:
        extra = {"generator": None} if name in ("ddim", "euler_ancestral") else {}
        wanted = theirs(scheduler(name, schedule, "v"), steps, torch.float32, **extra)
        got = ours(sampler(name), schedule, "v", steps, torch.float32)
        assert (got - wanted).abs().max().item() <= (1e-5 if name in ("ddim", "dpmpp_2m") else 2e-3)


@pytest.mark.parametrize("target", ["eps", "v"])
@pytest.mark.parametrize("clean", [True, False])
def test_ddim_with_noise_and_either_end(target: Target, clean: bool) -> None:
    for offset, eta in product((0, 1), (0.3, 1.0)):
        check("ddim", Discrete(set_alpha_to_one=clean, steps_offset=offset), target, torch.float32, eta=eta)


@pytest.mark.parametrize("lower", [True, False])
def test_dpm_order_of_the_last_step(lower: bool) -> None:
    schedule = Discrete()
    for steps in (5, 14, 15, 20):
        wanted = theirs(scheduler("dpmpp_2m", schedule, "eps", lower_order_final=lower), steps, torch.float32)
        close(ours(sampler("dpmpp_2m", lower_order_final=lower), schedule, "eps", steps, torch.float32), wanted)


@pytest.fixture
def single_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets diffusers draw its noise in single precision, whatever that of the state."""
    from diffusers.utils.torch_utils import randn_tensor

    def drawn(shape: Any, generator: Any, device: Any, dtype: torch.dtype) -> Tensor:
        return randn_tensor(shape, generator=generator, device=device, dtype=torch.float32).to(dtype)

    for module in ("lcm", "tcd", "dpmsolver_singlestep"):
        monkeypatch.setattr(f"diffusers.schedulers.scheduling_{module}.randn_tensor", drawn)


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("target", ["eps", "v", "x0"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.usefixtures("single_noise")
def test_samplers_with_noise(name: str, target: Target, kind: torch.dtype) -> None:
    check(name, Discrete(), target, kind)
    for betas in ("linear", "cosine"):
        check(name, Discrete(betas=betas, beta_start=1e-4, beta_end=0.02), target, kind)  # type: ignore[arg-type]
    if name != "lcm":
        check(name, Discrete(sigmas="karras"), target, kind)


@pytest.mark.parametrize("steps", [3, 4, 6, 8, 15, 16, 30])
def test_lcm_takes_the_timesteps_of_the_distillation(steps: int) -> None:
    other = scheduler("lcm", Discrete(), "eps")
    other.set_timesteps(steps)
    assert [level.time for level in Discrete().levels(steps, sampler("lcm"))[:-1]] == other.timesteps.tolist()


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("target", ["eps", "v", "x0"])
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.usefixtures("single_noise")
def test_tcd_with_noise(gamma: float, target: Target, kind: torch.dtype) -> None:
    schedule, part = Discrete(set_alpha_to_one=False), sampler("tcd", gamma=gamma)
    for steps in (1, 2, 4, 5, 7, 16):
        wanted = theirs(scheduler("tcd", schedule, target), steps, kind, generator=None, eta=gamma)
        close(ours(part, schedule, target, steps, kind), wanted)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("target", ["eps", "v"])
def test_unipc_of_any_order(order: int, target: Target) -> None:
    for steps, spacing in product((1, 3, 5, 20), ("linspace", "trailing")):
        schedule = Discrete(spacing=spacing)  # type: ignore[arg-type]
        wanted = theirs(scheduler("unipc", schedule, target, solver_order=order), steps, torch.float64)
        close(ours(sampler("unipc", solver_order=order), schedule, target, steps, torch.float64), wanted)
        without = scheduler("unipc", schedule, target, solver_order=order, disable_corrector=list(range(steps)))
        part = sampler("unipc", solver_order=order, corrector=False)
        close(ours(part, schedule, target, steps, torch.float64), theirs(without, steps, torch.float64))


def told_in_thousands(x: Tensor, time: Tensor, *rest: object) -> Tensor:
    return network(x, time * 1000)


@pytest.mark.parametrize("sigmas", ["", "karras", "exponential", "beta"])
@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_euler_on_flow_levels(shift: float, sigmas: str) -> None:
    options = {f"use_{sigmas}_sigmas": True} if sigmas else {}

    for steps, kind in product(STEPS, (torch.float32, torch.float64)):
        wanted = theirs(diffusers.FlowMatchEulerDiscreteScheduler(shift=shift, **options), steps, kind)
        schedule, part = Flow(shift=shift, spacing="linspace"), sampler("euler")
        predictor, streams = Diffusion(network=told_in_thousands, target="flow"), Streams(SEEDS)
        start, levels = streams.normal(SHAPE).to(kind), schedule.levels(steps, part, sigmas)
        conditioning = nothing(len(SEEDS))
        *_, last = part.walk(
            lambda step, ask=predictor, rows=conditioning: ask(step.x, step.level, rows, []), start, levels, streams
        )
        close(last.x, wanted)


@pytest.mark.parametrize("spacing", ["", "karras", "exponential"])
def test_edm_levels(spacing: str) -> None:
    for steps in (2, 5, 20):
        other = diffusers.EDMEulerScheduler(
            sigma_min=0.002, sigma_max=80.0, rho=7.0, sigma_schedule=spacing or "karras"
        )
        other.set_timesteps(steps)
        levels = Edm().levels(steps, sampler("euler"), spacing)
        assert [level.sigma for level in levels] == pytest.approx(other.sigmas.tolist(), rel=1e-5)
        assert [level.time for level in levels[:-1]] == pytest.approx(other.timesteps.tolist(), rel=1e-5, abs=1e-5)
        assert math.isclose(Edm().start_scale(steps, sampler("euler")), 80)


def test_unipc_on_flow_levels() -> None:
    for steps in (2, 5, 20):
        part, streams = sampler("unipc"), Streams(SEEDS)
        levels = Flow().levels(steps, part)
        other = diffusers.UniPCMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
        other.set_timesteps(sigmas=np.array([level.sigma for level in levels[:-1]]))
        x = Streams(SEEDS).normal(SHAPE).double()
        for t in other.timesteps:  # whole numbers; this network is not told them
            x = other.step(torch.tanh(0.9 * x), t, x).prev_sample
        predictor, rows = Diffusion(network=lambda x, *rest: torch.tanh(0.9 * x), target="flow"), nothing(len(SEEDS))
        *_, last = part.walk(
            lambda step, ask=predictor, rows=rows: ask(step.x, step.level, rows, []),
            streams.normal(SHAPE).double(), levels, streams,
        )  # fmt: skip
        close(last.x, x)
