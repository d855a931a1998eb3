"""Stable Diffusion XL (Podell et al. 2023, arXiv:2307.01952): base, refiner, SDXL-Turbo, Lightning, Hyper.

Two text encoders read the words, the states before their last layers side by side; the U-Net is also told the pooled
words and the picture's size. The refiner has the second encoder alone, and a score of beauty in place of a size; it
draws by itself, or takes the last steps of the base.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from limn.kernel.generator import Generator
    from limn.models.checkpoints.shared.clip import Together
    from limn.models.checkpoints.shared.configs import Configs
    from limn.models.checkpoints.shared.networks import Networks

STEPS, SCALE = 30, 5.0


def load(
    path: Path,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    clip_skip: int = 0,
    vae: str = "",
    text_encoder: str = "",
    refiner: str = "",
    denoising_end: float = 0.8,
) -> Generator:
    """Load a model.

    Args:
        path: A folder in diffusers' format.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.
        dtype: Precision; float32 on the CPU and float16 elsewhere when ``None``.
        clip_skip: Layers left out at the text encoders' ends, besides the last one.
        vae: A file or folder of another autoencoder.
        text_encoder: A file of another first text encoder.
        refiner: Folder of a refiner that takes over.
        denoising_end: Share of the timesteps that stay the base's, between 0 and 1.

    Returns:
        A generator that guides with scale 5 unless its files or a request say otherwise.

    Raises:
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    from limn.io.configurations import read_json
    from limn.models.checkpoints.shared import configs, latent_diffusion, networks
    from limn.models.checkpoints.shared import refiner as refiners

    path, dtype = Path(path), latent_diffusion.precision_on(device, dtype)
    first = read_json(path / "model_index.json").get("text_encoder") not in (None, [None, None])
    parts = ("unet", "vae", *(("text_encoder",) if first else ()), "text_encoder_2", "scheduler")
    read = configs.read_configs(path, parts)
    filled = networks.from_folder(path, read, device, dtype)
    if vae or text_encoder:
        read, filled = latent_diffusion.exchanged(read, filled, device, dtype, vae=vae, text_encoder=text_encoder)
    encoder: Any = words(path, read, filled, clip_skip)
    second = None
    if refiner:
        folder = Path(refiner).expanduser()
        second = refiners.read(folder, read, filled, device, dtype, denoising_end)
        encoder = refiners.Both(encoder, words(folder, second.configs, second.networks, clip_skip))
    return latent_diffusion.assembled(path, read, filled, encoder, device, steps=STEPS, scale=SCALE, refiner=second)


def words(path: Path, read: Configs, filled: Networks, skip: int) -> Together:
    """Return the encoder of a folder's text models.

    Args:
        path: The folder.
        read: Its configurations.
        filled: Its networks.
        skip: Layers left out at the end of each, besides the last one.
    """
    from limn.models.checkpoints.shared.clip import ClipEncoder, Together
    from limn.models.checkpoints.shared.tokenizer import read_tokenizer

    encoders = []
    for part in read.texts:
        text, folder = read[part], path / part.replace("text_encoder", "tokenizer")
        limit = text["max_position_embeddings"]
        tokenizer = read_tokenizer(folder, size=text["vocab_size"], limit=limit)
        encoders.append(ClipEncoder(tokenizer, filled[part], limit, skip=skip, inner=True))
    index = read.index or {}
    return Together(
        encoders,
        zeros=index.get("force_zeros_for_empty_prompt", True),
        scored=index.get("requires_aesthetics_score", False),
    )
