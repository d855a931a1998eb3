"""Small random checkpoints of every family on U-Nets, written by the libraries' own ``save_pretrained``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

LIMIT = 16
BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
WORDS = ["a", "red", "heart", "blue", "cat", "of", "the"]


def tokenizer(pad: str = "<|endoftext|>") -> Any:
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import CLIPTokenizer

    letters = sorted(ByteLevel.alphabet())
    pieces, merges = [*letters, *(letter + "</w>" for letter in letters)], []
    for word in WORDS[1:]:
        whole = [*word[:-1], word[-1] + "</w>"]
        while len(whole) > 1:
            merges.append((whole[0], whole[1]))
            whole[:2] = [whole[0] + whole[1]]
            pieces.append(whole[0])
    names = [*dict.fromkeys(pieces), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {piece: place for place, piece in enumerate(names)}
    merges = list(dict.fromkeys(merges))
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=LIMIT, pad_token=pad)


def text(words: Any, *, width: int = 16, projection: int = 0) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    size = len(words)
    config = CLIPTextConfig(
        vocab_size=size, hidden_size=width, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=LIMIT, projection_dim=projection or 16, bos_token_id=size - 2, eos_token_id=size - 1,
        pad_token_id=size - 1, hidden_act="gelu" if projection else "quick_gelu",
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def unet(**changes: Any) -> Any:
    from diffusers import UNet2DConditionModel

    usual: dict[str, Any] = {
        "sample_size": 8, "block_out_channels": (8, 16), "layers_per_block": 1, "cross_attention_dim": 16,
        "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"), "attention_head_dim": 2, "norm_num_groups": 4,
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"),
    }  # fmt: skip
    return UNet2DConditionModel(**{**usual, **changes}).eval()


def autoencoder(tiny: bool = False, **changes: Any) -> Any:
    from diffusers import AutoencoderKL, AutoencoderTiny

    if tiny:
        return AutoencoderTiny(
            encoder_block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 1, 1, 1), num_decoder_blocks=(1, 1, 1, 1),
        )  # fmt: skip
    usual = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    return AutoencoderKL(**{**usual, "block_out_channels": (4, 4, 8, 8), "norm_num_groups": 4, **changes}).eval()


def sdxl(folder: Path, *, scheduler: Any = None, refiner: bool = False, seed: int = 0, **changes: Any) -> Path:
    """Write a Stable Diffusion XL folder, base or refiner; ``changes`` are those of the U-Net."""
    import diffusers

    words, other = tokenizer(), tokenizer(pad="!")
    ids = 5 if refiner else 6
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        kind = diffusers.StableDiffusionXLImg2ImgPipeline if refiner else diffusers.StableDiffusionXLPipeline
        pipe = kind(
            vae=autoencoder(scaling_factor=0.13025, force_upcast=True),
            text_encoder=None if refiner else text(words), tokenizer=None if refiner else words,
            text_encoder_2=text(other, width=24, projection=12), tokenizer_2=other,
            unet=unet(**{
                "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
                "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"), "attention_head_dim": (2, 4),
                "use_linear_projection": True, "addition_embed_type": "text_time", "addition_time_embed_dim": 4,
                "transformer_layers_per_block": (1, 2), "projection_class_embeddings_input_dim": 12 + ids * 4,
                "cross_attention_dim": 24 if refiner else 40, **changes,
            }),
            scheduler=scheduler or diffusers.EulerDiscreteScheduler(
                **BETAS, timestep_spacing="leading", steps_offset=1
            ),
            force_zeros_for_empty_prompt=not refiner, add_watermarker=False,
            **({"requires_aesthetics_score": True} if refiner else {}),
        )  # fmt: skip
        pipe.save_pretrained(folder)
    return folder


def stable_diffusion(folder: Path, *, scheduler: Any, seed: int = 0, vae: Any = None, **changes: Any) -> Path:
    """Write a Stable Diffusion 1.x folder, or what was made of it; ``changes`` are those of the U-Net."""
    import diffusers

    words = tokenizer()
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        pipe = diffusers.StableDiffusionPipeline(
            vae=vae or autoencoder(), text_encoder=text(words), tokenizer=words, unet=unet(**changes),
            scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
        )  # fmt: skip
        pipe.save_pretrained(folder)
    return folder


def pipeline(folder: Path, kind: str, dtype: torch.dtype) -> Any:
    """Load diffusers' pipeline of a folder."""
    import diffusers
    from diffusers.utils import logging

    logging.disable_progress_bar()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe = getattr(diffusers, kind).from_pretrained(folder, local_files_only=True, torch_dtype=dtype)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def drawn(generator: Any, texts: Any, **options: Any) -> torch.Tensor:
    """Return the last latents of prompts drawn together, picture k from seed k."""
    from limn.kernel.request import Item

    request = generator.request(texts, **options)
    items = [Item(k, prompt, k) for k, prompt in enumerate(request.prompts)]
    steps = generator._draw_batch(request, items, None, None)
    return [event["state"].x for event in steps if isinstance(event, dict)][-1]


def noise(count: int, shape: tuple[int, ...] = (4, 8, 8)) -> torch.Tensor:
    """Return the noise that limn draws picture k of a batch from."""
    from limn.kernel.rng import Streams

    return Streams(list(range(count))).normal(shape)
