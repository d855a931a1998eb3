"""PixArt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import stirred, t5, t5_tokenizer, vae


def pixart_pipeline(alpha: bool = True) -> Any:
    from diffusers import (
        DPMSolverMultistepScheduler,
        PixArtAlphaPipeline,
        PixArtSigmaPipeline,
        PixArtTransformer2DModel,
    )

    transformer = PixArtTransformer2DModel(
        sample_size=128 if alpha else 16,
        num_layers=3,
        patch_size=2,
        attention_head_dim=8,
        num_attention_heads=3,
        caption_channels=16,
        in_channels=4,
        cross_attention_dim=24,
        out_channels=8,
        use_additional_conditions=alpha,
    )
    return (PixArtAlphaPipeline if alpha else PixArtSigmaPipeline)(
        tokenizer=t5_tokenizer(),
        text_encoder=t5(),
        vae=vae(shift=None),
        transformer=stirred(transformer),
        scheduler=DPMSolverMultistepScheduler(),
    )


def pixart_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    return pipe(  # type: ignore[no-any-return]
        list(texts),
        negative_prompt=list(negatives) if negatives else "",
        guidance_scale=3.0 if negatives else 1.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
        use_resolution_binning=False,
        clean_caption=False,
    ).images


def pixart_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, mask, _, _ = pipe.encode_prompt([text], do_classifier_free_guidance=False)
    size = {"resolution": torch.tensor([[32.0, 48.0]]), "aspect_ratio": torch.tensor([[32 / 48]])}
    return pipe.transformer(  # type: ignore[no-any-return]
        x,
        encoder_hidden_states=told,
        encoder_attention_mask=mask,
        timestep=torch.tensor([time]),
        added_cond_kwargs={name: value.to(x) for name, value in size.items()},
        return_dict=False,
    )[0][:, :4]


PIXART = Family(
    module="pixart",
    build=pixart_pipeline,
    theirs=pixart_theirs,
    answer=pixart_answer,
)
