"""Qwen-Image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import qwen_tokenizer, stirred


def qwen_image_pipeline() -> Any:
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    coder = AutoencoderKLQwenImage(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 2],
        num_res_blocks=1,
        temperal_downsample=[False],
        latents_mean=[0.1, -0.2, 0.0, 0.3],
        latents_std=[1.5, 0.7, 1.0, 2.0],
    ).eval()
    text = {
        "vocab_size": 300,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]},
        "max_position_embeddings": 2048,
    }
    seen = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    reader = Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=seen)).eval()
    transformer = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=16,
        out_channels=4,
        num_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    )
    scheduler = FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, shift_terminal=0.02, base_shift=0.5, max_shift=0.9, max_image_seq_len=8192
    )
    return QwenImagePipeline(
        scheduler=scheduler,
        vae=coder,
        text_encoder=reader,
        tokenizer=qwen_tokenizer(),
        transformer=stirred(transformer),
    )


def qwen_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    latents = pipe(
        list(texts),
        negative_prompt=negatives and list(negatives),
        true_cfg_scale=3.0 if negatives else 1.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        output_type="latent",
        latents=pipe._pack_latents(noise, *noise.shape),
    ).images
    return pipe._unpack_latents(latents, 32, 48, 2)[:, :, 0]  # type: ignore[no-any-return]


def qwen_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, mask = pipe.encode_prompt([text])
    answer = pipe.transformer(
        hidden_states=pipe._pack_latents(x, *x.shape),
        timestep=torch.tensor([time / 1000], dtype=x.dtype),
        encoder_hidden_states=told,
        encoder_hidden_states_mask=mask,
        img_shapes=[[(1, x.shape[2] // 2, x.shape[3] // 2)]],
        return_dict=False,
    )[0]
    return pipe._unpack_latents(answer, 32, 48, 2)[:, :, 0]  # type: ignore[no-any-return]


QWEN_IMAGE = Family(
    module="qwen_image",
    build=qwen_image_pipeline,
    theirs=qwen_theirs,
    answer=qwen_answer,
    guides=("token_norm",),
)
