"""FLUX.2: klein and dev."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import mistral3, mistral_tokenizer, qwen3, qwen_tokenizer, remembered, stirred


def klein_pipeline(guided: bool = False) -> Any:
    from diffusers import (
        AutoencoderKLFlux2,
        FlowMatchEulerDiscreteScheduler,
        Flux2KleinPipeline,
        Flux2Transformer2DModel,
    )

    coder = AutoencoderKLFlux2(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        latent_channels=4,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=4,
        layers_per_block=1,
    ).eval()
    coder.bn.running_mean.normal_(std=0.3)
    coder.bn.running_var.uniform_(0.5, 2)
    transformer = Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guided,
    )
    return Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=coder,
        text_encoder=qwen3(28),
        tokenizer=qwen_tokenizer(),
        transformer=stirred(transformer),
        is_distilled=False,
    )


def dev_pipeline() -> Any:
    from diffusers import Flux2Pipeline

    klein = klein_pipeline(guided=True)
    return Flux2Pipeline(
        scheduler=klein.scheduler,
        vae=klein.vae,
        text_encoder=mistral3(),
        tokenizer=mistral_tokenizer(),
        transformer=klein.transformer,
    )


def dev_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    assert negatives is None, "its pipeline knows none"
    latents = pipe(
        prompt=list(texts),
        guidance_scale=4.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
    ).images
    return latents.transpose(1, 2).reshape(noise.shape)  # type: ignore[no-any-return]


def klein_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    told = pipe.encode_prompt(list(negatives))[0] if negatives else None
    latents = pipe(
        prompt=list(texts),
        negative_prompt_embeds=told,
        guidance_scale=3.0 if negatives else 1.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
    ).images
    bn = pipe.vae.bn
    mean, std = bn.running_mean, (bn.running_var + pipe.vae.config.batch_norm_eps).sqrt()
    return (pipe._patchify_latents(latents) - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1)  # type: ignore[no-any-return]


def klein_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, places = remembered(pipe, text, lambda: pipe.encode_prompt([text]))
    answer = pipe.transformer(
        hidden_states=pipe._pack_latents(x),
        timestep=torch.tensor([time / 1000], dtype=x.dtype),
        guidance=torch.tensor([4.0]) if pipe.transformer.config.guidance_embeds else None,
        encoder_hidden_states=told,
        txt_ids=places,
        img_ids=pipe._prepare_latent_ids(x),
        return_dict=False,
    )[0]
    return answer.transpose(1, 2).reshape(x.shape)  # type: ignore[no-any-return]


def _layers(pipe: Any) -> list[Any]:
    return [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks]


KLEIN = Family(
    module="flux2",
    build=klein_pipeline,
    theirs=klein_theirs,
    answer=klein_answer,
    layers=_layers,
)
DEV = Family(
    module="flux2",
    build=dev_pipeline,
    theirs=dev_theirs,
    answer=klein_answer,
    layers=_layers,
)
