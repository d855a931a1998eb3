"""Sana and Sana-Sprint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tiny_families.family import Family
from tiny_families.parts import deep_coder, remembered, stirred


def sana_pipeline(sprint: bool = False) -> Any:
    from diffusers import (
        DPMSolverMultistepScheduler,
        SanaPipeline,
        SanaSprintPipeline,
        SanaTransformer2DModel,
        SCMScheduler,
    )
    from transformers import Gemma2Config, Gemma2Model, GemmaTokenizer

    config = Gemma2Config(
        vocab_size=60,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
        max_position_embeddings=4096,
    )
    vocabulary = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}
    for letter in "▁abcdefghijklmnopqrstuvwxyz,":
        vocabulary[letter] = len(vocabulary)
    transformer = SanaTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=3,
        num_attention_heads=2,
        attention_head_dim=8,
        num_cross_attention_heads=2,
        cross_attention_head_dim=8,
        cross_attention_dim=16,
        caption_channels=8,
        sample_size=32,
        patch_size=1,
        guidance_embeds=sprint,
        qk_norm="rms_norm_across_heads" if sprint else None,
    )
    usual = DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0)
    return (SanaSprintPipeline if sprint else SanaPipeline)(
        tokenizer=GemmaTokenizer(vocab=vocabulary, merges=[]),
        text_encoder=Gemma2Model(config).eval(),
        vae=deep_coder(),
        transformer=stirred(transformer),
        scheduler=SCMScheduler() if sprint else usual,
    )


def sana_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    return pipe(  # type: ignore[no-any-return]
        list(texts),
        negative_prompt=list(negatives) if negatives else "",
        guidance_scale=3.0 if negatives else 1.0,
        height=32,
        width=64,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
        use_resolution_binning=False,
    ).images


def sana_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    from limn.models.checkpoints.sana import INSTRUCTION

    wanted = text not in ("blurry", "x")  # what is not wanted is read without the instruction
    instruction = INSTRUCTION.split("\n") * wanted
    told, mask, _, _ = remembered(
        pipe,
        text,
        lambda: pipe.encode_prompt([text], do_classifier_free_guidance=False, complex_human_instruction=instruction),
    )
    return pipe.transformer(  # type: ignore[no-any-return]
        x, encoder_hidden_states=told, encoder_attention_mask=mask, timestep=torch.tensor([time]), return_dict=False
    )[0]


def sprint_theirs(
    pipe: Any, texts: Sequence[str], negatives: Sequence[str] | None, noise: Tensor, steps: int
) -> Tensor:
    assert negatives is None
    seeds = [torch.Generator().manual_seed(row) for row in range(len(texts))]
    return pipe(  # type: ignore[no-any-return]
        list(texts),
        height=32,
        width=64,
        num_inference_steps=steps,
        latents=noise,
        output_type="latent",
        use_resolution_binning=False,
        generator=seeds,
        intermediate_timesteps=1.3 if steps == 2 else None,
    ).images


SANA = Family(
    module="sana",
    size=(32, 64),
    build=sana_pipeline,
    theirs=sana_theirs,
    answer=sana_answer,
)
SPRINT = Family(
    module="sana",
    size=(32, 64),
    build=lambda: sana_pipeline(sprint=True),
    theirs=sprint_theirs,
    answer=sana_answer,
)
