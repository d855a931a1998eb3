"""What ``scheduler_config.json`` says, in limn's terms: noise levels, what the network answers, and who walks.

A scheduler is drawn with the sampler that equals it. Where there is none, or an option changes what no sampler of
limn does, it is drawn with another one that is named in a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast, get_args

from limn.io.configurations import FLAG, Rule, either, one_of, text, whole
from limn.io.configurations import number as between
from limn.kernel import registry
from limn.kernel.sampler import Sampler
from limn.predictors.diffusion import Target
from limn.samplers.levels import Discrete, Sigmas

EQUAL: Final = {
    "DDIMParallelScheduler": "ddim",
    "DDIMScheduler": "ddim",
    "DDPMParallelScheduler": "ddim:eta=1",
    "DDPMScheduler": "ddim:eta=1",
    "DPMSolverMultistepScheduler": "dpmpp_2m",
    "DPMSolverSinglestepScheduler": "dpmpp_sde:eta=0",
    "EulerAncestralDiscreteScheduler": "euler_ancestral",
    "EulerDiscreteScheduler": "euler",
    "HeunDiscreteScheduler": "heun",
    "LCMScheduler": "lcm",
    "TCDScheduler": "tcd:gamma=0",  # pipelines call it with eta 0, which is gamma
    "UniPCMultistepScheduler": "unipc",
}
"""The sampler that equals each scheduler, with its usual options."""

NEAR: Final = {
    "DEISMultistepScheduler": "dpmpp_2m",
    "DPMSolverSDEScheduler": "dpmpp_2m_sde",
    "KDPM2AncestralDiscreteScheduler": "euler_ancestral",
    "KDPM2DiscreteScheduler": "heun",
    "LMSDiscreteScheduler": "euler",
    "PNDMScheduler": "ddim",
    "SASolverScheduler": "dpmpp_2m_sde",
}
"""The sampler that stands in for each scheduler that limn does not have."""

SCHEDULERS: Final = (*sorted(EQUAL), *sorted(NEAR))

_TARGETS: Final[Mapping[str, Target]] = {"epsilon": "eps", "v_prediction": "v", "sample": "x0"}
_SIGMAS: Final[tuple[Sigmas, ...]] = get_args(Sigmas)
_BETAS: Final = {"squaredcos_cap_v2": "cosine"}
_NULL: Final = one_of(None)
_EITHER: Final = either(FLAG, _NULL)
_ENDLESS: Final = Rule("a number", lambda value: type(value) in (int, float) and not math.isnan(value))
RULES: Final[Mapping[str, Rule]] = {
    "algorithm_type": one_of(
        "dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++", "deis", "data_prediction", "noise_prediction"
    ),
    "beta_end": between(1e-9, 0.999),
    "beta_schedule": one_of("linear", "scaled_linear", "squaredcos_cap_v2"),
    "beta_start": between(1e-9, 0.999),
    "clip_sample": FLAG,
    "clip_sample_range": between(0, 1000),
    "corrector_order": whole(0, 4),
    "disable_corrector": Rule("a list of steps", lambda value: isinstance(value, list) and len(value) <= 1000),
    "dynamic_thresholding_ratio": between(0, 1),
    "euler_at_final": FLAG,
    "final_sigmas_type": one_of("zero", "sigma_min"),
    "flow_shift": between(0, 1000),
    "interpolation_type": one_of("linear", "log_linear"),
    "lambda_min_clipped": either(_ENDLESS, _NULL),
    "lower_order_final": FLAG,
    "noise_sampler_seed": either(whole(0, 2**63 - 1), _NULL),
    "num_train_timesteps": whole(2, 100_000),
    "original_inference_steps": whole(1, 1000),
    "predict_x0": FLAG,
    "prediction_type": one_of("epsilon", "v_prediction", "sample"),
    "predictor_order": whole(1, 4),
    "rescale_betas_zero_snr": FLAG,
    "sample_max_value": between(0, 1000),
    "set_alpha_to_one": FLAG,
    "shift_terminal": _NULL,
    "sigma_max": either(between(0, 1e6), _NULL),
    "sigma_min": either(between(0, 1e6), _NULL),
    "skip_prk_steps": FLAG,
    "solver_order": whole(1, 3),
    "solver_p": _NULL,
    "solver_type": one_of("midpoint", "heun", "bh1", "bh2", "logrho"),
    "steps_offset": whole(0, 1),
    "tau_func": _NULL,
    "thresholding": FLAG,
    "time_shift_type": text(40),
    "timestep_scaling": between(1e-3, 1e6),
    "timestep_spacing": one_of("leading", "trailing", "linspace"),
    "timestep_type": one_of("discrete", "continuous"),
    "trained_betas": _NULL,
    "use_beta_sigmas": _EITHER,
    "use_dynamic_shifting": one_of(False, None),
    "use_exponential_sigmas": _EITHER,
    "use_flow_sigmas": one_of(False, None),
    "use_karras_sigmas": _EITHER,
    "use_lu_lambdas": _EITHER,
    "variance_type": either(text(40), _NULL),
}
"""What limn understands of the fields of any scheduler: a file keeps those of the one that it was made from."""

_CLIPS: Final = tuple(name for name in EQUAL if name.startswith(("DD", "Heun", "LCM", "TCD")))
_Needs = Callable[[Mapping[str, Any]], bool]
_DPM: Final = ("DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler")
_OTHERWISE: Final[tuple[tuple[str, _Needs], ...]] = (
    ("thresholding", lambda own: bool(own["thresholding"])),
    ("final_sigmas_type=sigma_min", lambda own: own["final_sigmas_type"] == "sigma_min"),
    ("use_lu_lambdas", lambda own: bool(own["use_lu_lambdas"])),
    ("timestep_type=continuous", lambda own: own["timestep_type"] == "continuous"),
    ("interpolation_type=log_linear", lambda own: own["interpolation_type"] == "log_linear"),
    ("sigma_min and sigma_max", lambda own: own["sigma_min"] is not None or own["sigma_max"] is not None),
    ("original_inference_steps", lambda own: own["original_inference_steps"] not in (None, 50)),
    ("a variance that is not fixed_small",
        lambda own: own["_class_name"].startswith("DDPM") and own["variance_type"] not in ("fixed_small", None)),
    ("solver_order", lambda own: own["_class_name"] in _DPM and own["solver_order"] not in (None, 2)),
    ("solver_type", lambda own: own["_class_name"] in _DPM and own["solver_type"] not in (None, "midpoint")),
    ("algorithm_type=dpmsolver", lambda own: own["algorithm_type"] in ("dpmsolver", "sde-dpmsolver")),
    ("lambda_min_clipped", lambda own: own["_class_name"] in _DPM and _clips(own)),
    ("solver_type=bh1", lambda own: own["solver_type"] == "bh1"),
    ("predict_x0=false", lambda own: own["predict_x0"] is False),
    ("disable_corrector", lambda own: bool(own["disable_corrector"])),
    ("lower_order_final=false", lambda own: _unusual_end(own)),
)  # fmt: skip


def usual(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a scheduler's fields with its class's own values where the file says nothing."""
    from limn.models.checkpoints.shared.signature import defaults

    nothing: dict[str, Any] = dict.fromkeys(RULES)
    return {**nothing, **defaults(fields["_class_name"]), **fields}


def schedule_of(fields: Mapping[str, Any], *, steps_offset: int | None = None) -> Discrete:
    """Return the noise levels.

    Args:
        fields: Checked fields of the scheduler.
        steps_offset: The offset of leading timesteps whatever the file says.
    """
    own = usual(fields)
    name = own["beta_schedule"]
    distilled = own["_class_name"] == "TCDScheduler"
    said = fields.get("timestep_spacing")
    return Discrete(
        betas=_BETAS.get(name, name),
        beta_start=float(own["beta_start"]),
        beta_end=float(own["beta_end"]),
        timesteps=own["num_train_timesteps"],
        spacing="lcm" if distilled else None if own["_class_name"] == "LCMScheduler" else said,
        steps_offset=int(own["steps_offset"] or 0) if steps_offset is None else steps_offset,
        sigmas=next((way for way in _SIGMAS if own[f"use_{way}_sigmas"]), None),
        set_alpha_to_one=own["set_alpha_to_one"] is not False and not distilled,  # TCD ends at timestep 0
        zero_snr=bool(own["rescale_betas_zero_snr"]),
    )


def target_of(fields: Mapping[str, Any]) -> Target:
    """Return what the network was trained to answer."""
    return _TARGETS[fields.get("prediction_type", "epsilon")]


def sampler_of(fields: Mapping[str, Any]) -> Sampler:
    """Return the sampler that a scheduler is drawn with."""
    own, name = usual(fields), str(fields["_class_name"])
    sampler, _, text = EQUAL.get(name, NEAR.get(name, "")).partition(":")
    option, _, value = text.partition("=")
    options: dict[str, Any] = {option: float(value)} if option else {}
    noisy = str(own["algorithm_type"] or "").startswith("sde")
    if name == "DPMSolverMultistepScheduler":
        sampler = "dpmpp_2m_sde" if noisy else sampler
        options = {"lower_order_final": own["lower_order_final"]}
    elif name == "DPMSolverSinglestepScheduler" and noisy:
        options = {"eta": 1.0}
    elif name == "UniPCMultistepScheduler":
        options = {"solver_order": own["solver_order"]}
    elif name == "LCMScheduler":
        options = {"timestep_scaling": own["timestep_scaling"]}
    return cast(Sampler, registry.build("samplers", {"name": sampler, **options}))


def notes_of(fields: Mapping[str, Any], *, clips: bool = False) -> list[str]:
    """Return a sentence for what is drawn otherwise than the scheduler's file says; none where nothing is.

    Args:
        fields: Checked fields of the scheduler.
        clips: Whether diffusers' pipeline follows a scheduler that clamps the clean state.
    """
    own, name, sampler = usual(fields), fields["_class_name"], registry.name_of(sampler_of(fields))
    notes = [f"{name} is not here; drawn with {sampler}"] if name in NEAR else []
    missed = [option for option, needs in _OTHERWISE if name in EQUAL and needs(own)]
    missed += ["clip_sample"] if clips and name in EQUAL and name in _CLIPS and own["clip_sample"] else []
    return notes + ([f"drawn with {sampler}, which has no {', '.join(missed)}"] if missed else [])


def _clips(own: Mapping[str, Any]) -> bool:
    """Say whether the noisiest timesteps are left out."""
    least = own["lambda_min_clipped"]
    if least is None or least == -math.inf:
        return False
    noisiest = schedule_of(own).levels(1, cast(Sampler, registry.parse("samplers", "euler")), "trailing")[0]
    return bool(least > -math.log(noisiest.ratio))


def _unusual_end(own: Mapping[str, Any]) -> bool:
    """Say whether the last steps stay of full order where limn's sampler lowers it."""
    return own["_class_name"] == "UniPCMultistepScheduler" and own["lower_order_final"] is False
