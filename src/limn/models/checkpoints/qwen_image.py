"""Qwen-Image (Wu et al. 2025, arXiv:2508.02324): double streams of text and picture, read by Qwen2.5-VL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import one_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Conditioning

TEMPLATE: Final = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n"
    "<|im_start|>assistant\n"
)
"""What is read; the pipeline has it as a constant too."""

LIMIT, BEFORE = 512, 34  # tokens that are given on, and those of the template before them

_CLASSES: Final = {
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "text_encoder": ("Qwen2_5_VLForConditionalGeneration",),
    "tokenizer": ("Qwen2Tokenizer", "Qwen2TokenizerFast"),
    "transformer": ("QwenImageTransformer2DModel",),
    "vae": ("AutoencoderKLQwenImage",),
}


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``QwenImagePipeline``: 50 steps with scale 4, each token's slope as long as before.

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.guidance.classifier_free import ClassifierFree
    from limn.guidance.token_norm import TokenNorm
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, text_first
    from limn.models.checkpoints.shared.codecs import FrameCoder
    from limn.models.checkpoints.shared.flow import RULES, schedule_of
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader

    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype))
    plain = {"guidance_embeds": one_of(False), "patch_size": one_of(2), "zero_cond_t": one_of(False)}
    plain |= {"use_additional_t_cond": one_of(False), "use_layer3d_rope": one_of(False)}
    model, vae = folder.network("transformer", plain), folder.network("vae")
    reader = Reader(
        folder.tokenizer("tokenizer"), folder.network("text_encoder"),
        limit=1024 + BEFORE, template=TEMPLATE, filled=False, kept=slice(BEFORE, BEFORE + LIMIT),
    )  # fmt: skip
    factor = 2 ** len(vae.config.temperal_downsample)
    blocks = [(block, {"attn": "joint"}) for block in model.transformer_blocks]
    return assembled(
        folder,
        encoder=reader,
        network=Transformer(model, blocks, text_first, ask, patch=2),
        coder=FrameCoder(vae, vae.config.z_dim, factor),
        mean=vae.config.latents_mean,
        std=vae.config.latents_std,
        schedule=schedule_of(folder.fields("scheduler", RULES), patch=2),
        usual=Usual(steps=50, guidance=(ClassifierFree(scale=4.0), TokenNorm())),
        side=128 * factor,
        patch=2,
    )


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow in patches of 2 x 2; filling of the text is masked."""
    from limn.models.checkpoints.shared.attention import packed, unpacked

    height, width = x.shape[2] // 2, x.shape[3] // 2
    answer = model(
        hidden_states=packed(x, 2),
        encoder_hidden_states=conditioning.tokens,
        encoder_hidden_states_mask=None if conditioning.mask.all() else conditioning.mask,
        timestep=time.to(x) / 1000,
        img_shapes=[[(1, height, width)]] * len(x),
        return_dict=False,
    )[0]
    return unpacked(answer, x, 2)
