"""Z-Image and Z-Image-Turbo (Tongyi-MAI 2025, arXiv:2511.22699): one stream of picture and text, read by Qwen3."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import one_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Conditioning

TEMPLATE: Final = "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
"""What Qwen3's chat template makes of one question, with thinking allowed."""

_CLASSES: Final = {
    "scheduler": ("FlowMatchEulerDiscreteScheduler",),
    "text_encoder": ("Qwen3ForCausalLM", "Qwen3Model"),
    "tokenizer": ("Qwen2Tokenizer", "Qwen2TokenizerFast"),
    "transformer": ("ZImageTransformer2DModel",),
    "vae": ("AutoencoderKL",),
}
_FLAT: Final = ("all_x_embedder", "cap_embedder")
_PADDED: Final = 32  # picture and text are each filled up to a multiple of so many tokens


def load(path: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Generator:
    """Load a folder of the class ``ZImagePipeline``.

    A folder or pulled repository whose name has ``turbo`` in it is taken for the distilled model: 8 steps without
    guidance; any other for the base: 50 steps with scale 5. (The pipeline's own scale, of 4 there, counts from 0.)

    Args:
        path: The folder.
        device: Where it runs.
        dtype: Precision; float32 on the CPU and bfloat16 elsewhere when ``None``.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.models.checkpoints.shared.assembly import Usual, assembled, usual_dtype
    from limn.models.checkpoints.shared.attention import Transformer, picture_first
    from limn.models.checkpoints.shared.codecs import Coder
    from limn.models.checkpoints.shared.flow import RULES, schedule_of
    from limn.models.checkpoints.shared.folder import Folder
    from limn.models.checkpoints.shared.language import Reader
    from limn.models.locating import called

    folder = Folder(Path(path), _CLASSES, device, usual_dtype(device, dtype))
    understood = {"all_patch_size": one_of([2]), "all_f_patch_size": one_of([1]), "siglip_feat_dim": one_of(None)}
    model, vae = folder.network("transformer", understood), folder.network("vae")
    reader = Reader(
        folder.tokenizer("tokenizer"), folder.network("text_encoder"),
        limit=512, template=TEMPLATE, layers=(-2,), filled=False,
    )  # fmt: skip
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    blocks = [(block, {"attention": "joint"}) for block in model.layers]
    return assembled(
        folder,
        encoder=reader,
        network=Transformer(model, blocks, partial(picture_first, multiple=_PADDED), ask, patch=2, flat=_FLAT),
        coder=Coder(vae, vae.config.latent_channels, factor),
        mean=(vae.config.shift_factor or 0.0,),
        std=(1 / vae.config.scaling_factor,),
        schedule=schedule_of(folder.fields("scheduler", RULES), patch=2),
        usual=Usual(steps=8) if "turbo" in called(path).lower() else Usual(steps=50, scale=5.0),
        side=128 * factor,
        largest=2 * factor * min(model.config.axes_lens[1:]),
        patch=2,
    )


def ask(model: Any, x: Tensor, time: Tensor, conditioning: Conditioning) -> Tensor:
    """Ask for the flow: the network is told 1 - t, and answers with its negative."""
    import torch

    captions = [tokens[mask] for tokens, mask in zip(conditioning.tokens, conditioning.mask, strict=True)]
    answers = model(list(x[:, :, None].unbind()), (1000 - time) / 1000, captions, return_dict=False)[0]
    return -torch.stack(answers)[:, :, 0]
