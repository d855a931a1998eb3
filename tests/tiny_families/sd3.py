"""Stable Diffusion 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import clip, clip_tokenizer, stirred, t5, t5_tokenizer, vae


def sd3_pipeline(words: bool = True) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    first, second = clip_tokenizer(), clip_tokenizer()
    transformer = SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=4,
        num_layers=3,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=40,
        caption_projection_dim=16,
        pooled_projection_dim=32,
        out_channels=4,
        pos_embed_max_size=16,
        dual_attention_layers=(0,),
        qk_norm="rms_norm",
    )
    return StableDiffusion3Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(),
        text_encoder=clip(first, True),
        tokenizer=first,
        text_encoder_2=clip(second, True),
        tokenizer_2=second,
        text_encoder_3=t5(40) if words else None,
        tokenizer_3=t5_tokenizer() if words else None,
        transformer=stirred(transformer),
    )


def sd3_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    return pipe(  # type: ignore[no-any-return]
        list(texts),
        negative_prompt=negatives and list(negatives),
        guidance_scale=3.0 if negatives else 1.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
    ).images


def sd3_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, _, pooled, _ = pipe.encode_prompt([text], None, None, do_classifier_free_guidance=False)
    return pipe.transformer(  # type: ignore[no-any-return]
        hidden_states=x,
        timestep=torch.tensor([time]),
        encoder_hidden_states=told,
        pooled_projections=pooled,
        return_dict=False,
    )[0]


SD3 = Family(
    module="sd3",
    build=sd3_pipeline,
    theirs=sd3_theirs,
    answer=sd3_answer,
)
