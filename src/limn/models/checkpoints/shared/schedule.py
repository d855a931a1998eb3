"""What ``scheduler_config.json`` says, in limn's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast, get_args

from limn.kernel import registry
from limn.kernel.sampler import Sampler
from limn.predictors.diffusion import Target
from limn.samplers.levels import Discrete, Sigmas

_TARGETS: Final[Mapping[str, Target]] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}
_SIGMAS: Final[tuple[Sigmas, ...]] = get_args(Sigmas)
_SAMPLERS: Final = {
    "DDIMScheduler": "ddim",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "DPMSolverSinglestepScheduler": "dpmpp_sde",
    "EulerAncestralDiscreteScheduler": "euler_ancestral",
    "EulerDiscreteScheduler": "euler",
    "HeunDiscreteScheduler": "heun",
    "LCMScheduler": "lcm",
    "UniPCMultistepScheduler": "unipc",
}
_BETAS: Final = {"squaredcos_cap_v2": "cosine"}


def schedule_of(fields: Mapping[str, Any]) -> Discrete:
    """Return the noise levels.

    The offset of leading timesteps is 1 whatever the file says, as in diffusers' ``StableDiffusionPipeline``.

    Args:
        fields: Checked fields of the scheduler.
    """
    name = fields["beta_schedule"]
    return Discrete(
        betas=_BETAS.get(name, name),
        beta_start=float(fields["beta_start"]),
        beta_end=float(fields["beta_end"]),
        timesteps=fields["num_train_timesteps"],
        spacing=fields.get("timestep_spacing"),
        steps_offset=1,
        sigmas=next((way for way in _SIGMAS if fields.get(f"use_{way}_sigmas")), None),
        set_alpha_to_one=fields.get("set_alpha_to_one", fields["_class_name"] != "PNDMScheduler"),
        zero_snr=fields.get("rescale_betas_zero_snr", False),
    )


def target_of(fields: Mapping[str, Any]) -> Target:
    """Return what the network was trained to answer."""
    return _TARGETS[fields.get("prediction_type", "epsilon")]


def sampler_of(fields: Mapping[str, Any]) -> Sampler:
    """Return the sampler of the scheduler's name, or DDIM where limn has none of that name with those options."""
    name = _SAMPLERS.get(fields["_class_name"], "ddim")
    options: dict[str, Any] = {}
    order, noise = fields.get("solver_order", 2), fields.get("algorithm_type", "dpmsolver++")
    if name == "unipc":
        usual = fields.get("solver_type") != "bh1" and fields.get("predict_x0", True)
        name, options = ("unipc", {"solver_order": order}) if usual else ("ddim", {})
    elif name == "lcm":
        options = {"timestep_scaling": fields.get("timestep_scaling", 10.0)}
    elif name.startswith("dpmpp"):
        known = noise in ("dpmsolver++", "sde-dpmsolver++")
        if not known or order != 2 or fields.get("solver_type", "midpoint") != "midpoint":
            name = "ddim"
        elif name == "dpmpp_sde":
            options = {"eta": float(noise.startswith("sde"))}
        elif noise.startswith("sde"):
            name = "dpmpp_2m_sde"
    return cast(Sampler, registry.build("samplers", {"name": name, **options}))
