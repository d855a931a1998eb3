"""FLUX.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import clip, clip_tokenizer, stirred, t5, t5_tokenizer, vae


def flux_pipeline(guided: bool = True) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    tokenizer = clip_tokenizer()
    transformer = FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        guidance_embeds=guided,
        axes_dims_rope=(4, 4, 8),
    )
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=vae(),
        text_encoder=clip(tokenizer),
        tokenizer=tokenizer,
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        transformer=stirred(transformer),
    )


def flux_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    latents = pipe(
        list(texts),
        negative_prompt=negatives and list(negatives),
        true_cfg_scale=3.0 if negatives else 1.0,
        guidance_scale=3.5,
        height=32,
        width=48,
        num_inference_steps=steps,
        output_type="latent",
        latents=pipe._pack_latents(noise, *noise.shape),
    ).images
    return pipe._unpack_latents(latents, 32, 48, 2)  # type: ignore[no-any-return]


def flux_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, pooled, places = pipe.encode_prompt([text], [text])
    rows = pipe._prepare_latent_image_ids(1, x.shape[2] // 2, x.shape[3] // 2, "cpu", x.dtype)
    answer = pipe.transformer(
        hidden_states=pipe._pack_latents(x, *x.shape),
        timestep=torch.tensor([time / 1000], dtype=x.dtype),
        guidance=torch.tensor([3.5]),
        pooled_projections=pooled,
        encoder_hidden_states=told,
        txt_ids=places,
        img_ids=rows,
        return_dict=False,
    )[0]
    return pipe._unpack_latents(answer, 32, 48, 2)  # type: ignore[no-any-return]


FLUX = Family(
    module="flux",
    build=flux_pipeline,
    theirs=flux_theirs,
    answer=flux_answer,
    layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
)
