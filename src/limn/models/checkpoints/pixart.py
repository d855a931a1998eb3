"""PixArt-alpha and PixArt-sigma (Chen et al. 2023, arXiv:2310.00426; 2024, arXiv:2403.04692), read by T5."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import Rule, one_of
from limn.models.checkpoints.shared.schedule import sampler_of, schedule_of, target_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Conditioning

LIMITS: Final = {"PixArtAlphaPipeline": 120, "PixArtSigmaPipeline": 300}
"""Text tokens, by the class of the folder."""

_CLASSES: Final = {
    "scheduler": ("DPMSolverMultistepScheduler",),
    "text_encoder": ("T5EncoderModel",),
    "tokenizer": ("T5Tokenizer", "T5TokenizerFast"),
    "transformer": ("PixArtTransformer2DModel",),
    "vae": ("AutoencoderKL",),
}

_DPM: Final[dict[str, Rule]] = {
    "algorithm_type": one_of("dpmsolver++"),
    "final_sigmas_type": one_of("zero"),
    "prediction_type": one_of("epsilon"),
    "solver_order": one_of(2),
    "solver_type": one_of("midpoint"),
    "thresholding": one_of(False),
    "use_flow_sigmas": one_of(False, None),
    "use_lu_lambdas": one_of(False, None),
}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``PixArtAlphaPipeline`` or ``PixArtSigmaPipeline``: 20 steps with scale 4.5.

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, apart
    from limn.models.checkpoints.shared.codecs import Coder
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader

    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype))
    model = folder.network(
        "transformer", {"norm_type": one_of("ada_norm_single"), "attention_type": one_of("default")}
    )
    vae, limit = folder.network("vae"), LIMITS[folder.index["_class_name"]]
    folder.fields("scheduler", _DPM)
    scheduler = folder.settings["scheduler"]
    factor, patch = 2 ** (len(vae.config.block_out_channels) - 1), model.config.patch_size
    blocks = [(block, {"attn1": "self", "attn2": "cross"}) for block in model.transformer_blocks]
    return assembled(
        folder,
        encoder=Reader(folder.tokenizer("tokenizer"), folder.network("text_encoder"), limit=limit, lower=True),
        network=Transformer(
            model, blocks, apart, partial(ask, factor=factor), patch=patch, words=model.caption_projection
        ),
        coder=Coder(vae, vae.config.latent_channels, factor),
        std=(1 / vae.config.scaling_factor,),
        schedule=schedule_of(scheduler),
        usual=Usual(steps=20, scale=4.5, sampler=sampler_of(scheduler)),
        target=target_of(scheduler),
        side=model.config.sample_size * factor,
        patch=patch,
    )


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning, *, factor: int) -> Tensor:
    """Ask for the noise, without the variance; the picture's size is told where the network reads it."""
    height, width = (side * factor for side in x.shape[2:])
    told: dict[str, Any] = {"resolution": None, "aspect_ratio": None}
    if model.use_additional_conditions:
        told = {
            "resolution": x.new_tensor([[height, width]]).expand(len(x), -1),
            "aspect_ratio": x.new_tensor([[height / width]]).expand(len(x), -1),
        }
    answer: Tensor = model(
        x,
        encoder_hidden_states=conditioning.tokens,
        encoder_attention_mask=conditioning.mask.long(),
        timestep=time,
        added_cond_kwargs=told,
        return_dict=False,
    )[0]
    return answer[:, : x.shape[1]]
