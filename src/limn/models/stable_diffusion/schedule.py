"""What ``scheduler_config.json`` says, in limn's terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from limn.kernel import registry
from limn.kernel.sampler import Sampler
from limn.predictors.diffusion import Target
from limn.samplers.levels import Discrete

__all__ = ["sampler_of", "schedule_of", "target_of"]

_TARGETS: Final[Mapping[str, Target]] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}
_SAMPLERS: Final = {
    "DDIMScheduler": "ddim",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "EulerAncestralDiscreteScheduler": "euler_ancestral",
    "EulerDiscreteScheduler": "euler",
    "HeunDiscreteScheduler": "heun",
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
        karras=bool(fields.get("use_karras_sigmas")),
        set_alpha_to_one=fields.get("set_alpha_to_one", fields["_class_name"] != "PNDMScheduler"),
        zero_snr=fields.get("rescale_betas_zero_snr", False),
    )


def target_of(fields: Mapping[str, Any]) -> Target:
    """Return what the network was trained to answer."""
    return _TARGETS[fields.get("prediction_type", "epsilon")]


def sampler_of(fields: Mapping[str, Any]) -> Sampler:
    """Return the sampler of the scheduler's name, or DDIM where limn has none of that name."""
    usual = ("dpmsolver++", 2, "midpoint")
    options = (
        fields.get("algorithm_type", usual[0]),
        fields.get("solver_order", 2),
        fields.get("solver_type", usual[2]),
    )
    name = _SAMPLERS.get(fields["_class_name"], "ddim")
    if name == "dpmpp_2m" and options != usual:
        name = "ddim"
    return cast(Sampler, registry.build("samplers", {"name": name}))
