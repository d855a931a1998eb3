"""Z-Image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import qwen3, qwen_tokenizer, stirred, vae


def z_image_pipeline() -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel

    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=3,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[1024, 32, 32],
    )
    return ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(),
        text_encoder=qwen3(3),
        tokenizer=qwen_tokenizer(),
        transformer=stirred(transformer),
    )


def z_image_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    return pipe(  # type: ignore[no-any-return]
        list(texts),
        negative_prompt=negatives and list(negatives),
        guidance_scale=2.0 if negatives else 0.0,
        height=32,
        width=48,
        num_inference_steps=steps,
        latents=noise.float(),
        output_type="latent",
    ).images


def z_image_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, _ = pipe.encode_prompt([text], do_classifier_free_guidance=False)
    share = torch.tensor([1 - time / 1000], dtype=torch.float32)
    return -pipe.transformer([x[0][:, None]], share, told, return_dict=False)[0][0][None, :, 0]


Z_IMAGE = Family(
    module="z_image",
    build=z_image_pipeline,
    theirs=z_image_theirs,
    answer=z_image_answer,
    layers=lambda pipe: pipe.transformer.layers,
)
