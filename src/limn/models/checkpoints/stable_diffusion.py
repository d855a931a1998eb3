"""Stable Diffusion 1.x and 2.x (Rombach et al. 2022, arXiv:2112.10752), from a diffusers folder or a single file.

What was made of it without another layout is drawn too: SD-Turbo, latent consistency models, BK-SDM and SDXS, whose
U-Nets have no middle, and folders with the small autoencoder TAESD.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from limn.kernel.generator import Generator

STEPS, SCALE = 30, 7.5


def load(
    path: Path,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    tokenizer: Path | None = None,
    clip_skip: int = 0,
    vae: str = "",
    text_encoder: str = "",
) -> Generator:
    """Load a model.

    Args:
        path: A folder in diffusers' format, or one safetensors file with the keys of the original code.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.
        dtype: Precision; float32 on the CPU and float16 elsewhere when ``None``.
        tokenizer: For a single file: the folder of CLIP's tokenizer, or a model folder whose tokenizer and
            configurations are used; when ``None``, looked for beside the file.
        clip_skip: Layers left out at the text encoder's end.
        vae: A file or folder of another autoencoder.
        text_encoder: A file of another text encoder.

    Returns:
        A generator that guides with scale 7.5 unless its files or a request say otherwise.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.models.checkpoints import single_file
    from limn.models.checkpoints.shared import configs, latent_diffusion, networks
    from limn.models.checkpoints.shared.clip import ClipEncoder
    from limn.models.checkpoints.shared.tokenizer import read_tokenizer

    path, dtype = Path(path), latent_diffusion.precision_on(device, dtype)
    if path.is_dir():
        read = configs.read_configs(path)
        words = path / "tokenizer"
        filled = networks.from_folder(path, read, device, dtype)
    else:
        read, words = single_file.read_configs(path, tokenizer)
        filled = single_file.read_networks(path, read, device, dtype)
    if vae or text_encoder:
        read, filled = latent_diffusion.exchanged(read, filled, device, dtype, vae=vae, text_encoder=text_encoder)
    text = read["text_encoder"]
    limit = text["max_position_embeddings"]
    encoder = ClipEncoder(
        read_tokenizer(words, size=text["vocab_size"], limit=limit, pad=read.pad),
        filled["text_encoder"], limit, skip=clip_skip,
    )  # fmt: skip
    return latent_diffusion.assembled(
        path, read, filled, encoder, device, steps=STEPS, scale=SCALE, steps_offset=1, clips=False
    )
