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
FILLING = "!"
"""What the second tokenizer fills short prompts up with."""


def load(
    path: Path,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    tokenizer: Path | None = None,
    clip_skip: int = 0,
    vae: str = "",
    text_encoder: str = "",
    refiner: str = "",
    denoising_end: float = 0.8,
) -> Generator:
    """Load a model.

    Args:
        path: A folder in diffusers' format, or one safetensors file with the keys of the original code.
        device: Where it runs, for example ``"cpu"`` or ``"cuda"``.
        dtype: Precision; float32 on the CPU and float16 elsewhere when ``None``.
        tokenizer: For a single file: as for Stable Diffusion 1.x; the second tokenizer may be missing.
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
    from limn.models.checkpoints import single_file
    from limn.models.checkpoints.shared import configs, latent_diffusion, networks
    from limn.models.checkpoints.shared import refiner as refiners

    path, dtype = Path(path), latent_diffusion.precision_on(device, dtype)
    if path.is_dir():
        first = read_json(path / "model_index.json").get("text_encoder") not in (None, [None, None])
        parts = ("unet", "vae", *(("text_encoder",) if first else ()), "text_encoder_2", "scheduler")
        read, found = configs.read_configs(path, parts), path / "tokenizer"
        filled = networks.from_folder(path, read, device, dtype)
    else:
        read, found = single_file.read_configs(path, tokenizer)
        filled = single_file.read_networks(path, read, device, dtype)
    if vae or text_encoder:
        read, filled = latent_diffusion.exchanged(read, filled, device, dtype, vae=vae, text_encoder=text_encoder)
    encoder: Any = words(found, read, filled, clip_skip, alone=not path.is_dir())
    second = None
    if refiner:
        folder = Path(refiner).expanduser()
        second = refiners.read(folder, read, filled, device, dtype, denoising_end)
        encoder = refiners.Both(encoder, words(folder / "tokenizer", second.configs, second.networks, clip_skip))
    return latent_diffusion.assembled(path, read, filled, encoder, device, steps=STEPS, scale=SCALE, refiner=second)


def words(first: Path, read: Configs, filled: Networks, skip: int, *, alone: bool = False) -> Together:
    """Return the encoder of a model's text models.

    Args:
        first: The first tokenizer; the second one is beside it.
        read: Configurations.
        filled: Networks.
        skip: Layers left out at the end of each, besides the last one.
        alone: Whether the first tokenizer, which has the same pieces, may do for the second.
    """
    from limn.models.checkpoints.shared.clip import ClipEncoder, Together
    from limn.models.checkpoints.shared.tokenizer import read_tokenizer

    encoders = []
    for part in read.texts:
        text, limit = read[part], read[part]["max_position_embeddings"]
        folder, pad = first.with_name(part.replace("text_encoder", "tokenizer")), read.pad
        if alone and not (part == "text_encoder_2" and folder.is_dir()):
            folder, pad = first, pad or (FILLING if part == "text_encoder_2" else None)
        tokenizer = read_tokenizer(folder, size=text["vocab_size"], limit=limit, pad=pad)
        encoders.append(ClipEncoder(tokenizer, filled[part], limit, skip=skip, inner=True))
    index = read.index or {}
    return Together(
        encoders,
        zeros=index.get("force_zeros_for_empty_prompt", True),
        scored=index.get("requires_aesthetics_score", False),
    )
