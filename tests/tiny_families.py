"""Tiny checkpoints with random weights of every transformer family, made by diffusers, and how it is asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

QWEN_CHAT = (
    "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}"
)
"""What the chat template of Qwen3 does with one question."""

MISTRAL_CHAT = (
    "{{bos_token}}{% for m in messages %}{% if m.role == 'system' %}"
    "[SYSTEM_PROMPT]{{m.content[0].text}}[/SYSTEM_PROMPT]"
    "{% else %}[INST]{{m.content[0].text}}[/INST]{% endif %}{% endfor %}"
)
"""What the chat template of Mistral Small 3 does with an instruction and one question."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family.

    Args:
        module: The module of ``limn.models.checkpoints`` that loads it.
        build: Makes the pipeline of diffusers.
        size: Height and width in pixels.
        theirs: Asks the pipeline: ``(pipe, texts, negatives, noise, steps)`` gives latents as limn has them,
            guided by ``scale`` where there are negatives.
        answer: Asks the pipeline's network: ``(pipe, x, time, text)`` gives what it answers about one state.
        scale: Of classifier-free guidance in limn's terms.
        layers: Blocks of the network, to leave one out by hand.
        guides: Further guidances that its pipeline always has.
    """

    module: str
    build: Callable[[], Any]
    theirs: Callable[[Any, Sequence[str], Sequence[str] | None, Tensor, int], Tensor]
    answer: Callable[[Any, Tensor, float, str], Tensor]
    layers: Callable[[Any], Any]
    size: tuple[int, int] = (32, 48)
    scale: float = 3.0
    guides: tuple[str, ...] = ()


def _letters() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel

    return sorted(ByteLevel.alphabet())


def qwen_tokenizer() -> Any:
    from transformers import Qwen2Tokenizer

    vocabulary = {letter: place for place, letter in enumerate(_letters())}
    for special in ("<|endoftext|>", "<|im_start|>", "<|im_end|>"):
        vocabulary[special] = len(vocabulary)
    tokenizer = Qwen2Tokenizer(vocab=vocabulary, merges=[], pad_token="<|endoftext|>", eos_token="<|im_end|>")
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    tokenizer.chat_template = QWEN_CHAT
    return tokenizer


def qwen3(layers: int) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=300,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=600,
    )
    return Qwen3ForCausalLM(config).eval()


def vae(channels: int = 4, shift: float | None = 0.1) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 8),
        down_block_types=("DownEncoderBlock2D",) * 2,
        norm_num_groups=4,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        layers_per_block=1,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=shift,
        scaling_factor=1.5,
    ).eval()


def _quiet(pipe: Any) -> Any:
    pipe.set_progress_bar_config(disable=True)
    return pipe


def stirred(network: Any) -> Any:
    """Give numbers to what is zero at first, so that nothing plays no part."""
    with torch.no_grad():
        for weight in network.parameters():
            if not weight.any():
                weight.normal_(std=0.3)
    return network.eval()


def _z_image() -> Any:
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


def _z_image_theirs(
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


def _z_image_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, _ = pipe.encode_prompt([text], do_classifier_free_guidance=False)
    share = torch.tensor([1 - time / 1000], dtype=torch.float32)
    return -pipe.transformer([x[0][:, None]], share, told, return_dict=False)[0][0][None, :, 0]


def clip_tokenizer() -> Any:
    from transformers import CLIPTokenizer

    letters = _letters()
    vocabulary = {piece: place for place, piece in enumerate([*letters, *(letter + "</w>" for letter in letters)])}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=24)


def clip(tokenizer: Any, projected: bool = False) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    size = len(tokenizer)
    config = CLIPTextConfig(
        vocab_size=size,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=24,
        projection_dim=16,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )
    return (CLIPTextModelWithProjection if projected else CLIPTextModel)(config).eval()


def t5_tokenizer() -> Any:
    from transformers import T5Tokenizer

    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -3.0) for c in "▁abcdefghijklmnopqrstuvwxyz,")]
    return T5Tokenizer(vocab=pieces, extra_ids=0)


def t5(width: int = 16) -> Any:
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=40, d_model=width, d_kv=8, d_ff=32, num_layers=2, num_heads=2)).eval()


def _klein(guided: bool = False) -> Any:
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


def mistral_tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    told = ["[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"]
    vocabulary = {piece: place for place, piece in enumerate([*_letters(), "<unk>", "<s>", "</s>", "<pad>", *told])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        additional_special_tokens=told,
        padding_side="left",
        chat_template=MISTRAL_CHAT,
    )


def mistral3() -> Any:
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration

    text = {
        "model_type": "mistral",
        "vocab_size": 300,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 31,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": 600,
    }
    seen = {
        "model_type": "pixtral",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "head_dim": 8,
        "image_size": 28,
        "patch_size": 14,
    }
    return Mistral3ForConditionalGeneration(Mistral3Config(text_config=text, vision_config=seen)).eval()


def _dev() -> Any:
    from diffusers import Flux2Pipeline

    klein = _klein(guided=True)
    return Flux2Pipeline(
        scheduler=klein.scheduler,
        vae=klein.vae,
        text_encoder=mistral3(),
        tokenizer=mistral_tokenizer(),
        transformer=klein.transformer,
    )


def _dev_theirs(
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


def _klein_theirs(
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


def remembered(pipe: Any, text: str, read: Callable[[], Any]) -> Any:
    """What a pipeline makes of a text, read once."""
    kept = pipe.__dict__.setdefault("remembered", {})
    if text not in kept:
        kept[text] = read()
    return kept[text]


def _klein_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
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


def _flux(guided: bool = True) -> Any:
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


def _flux_theirs(
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


def _flux_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
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


def _sd3(words: bool = True) -> Any:
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


def _sd3_theirs(
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


def _sd3_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
    told, _, pooled, _ = pipe.encode_prompt([text], None, None, do_classifier_free_guidance=False)
    return pipe.transformer(  # type: ignore[no-any-return]
        hidden_states=x,
        timestep=torch.tensor([time]),
        encoder_hidden_states=told,
        pooled_projections=pooled,
        return_dict=False,
    )[0]


def _qwen_image() -> Any:
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


def _qwen_theirs(
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


def _qwen_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
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


def deep_coder() -> Any:
    from diffusers import AutoencoderDC

    return AutoencoderDC(
        in_channels=3,
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=[1, 1],
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.4,
    ).eval()


def _sana(sprint: bool = False) -> Any:
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


def _sana_theirs(
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


def _sana_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
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


def _sprint_theirs(
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


def _pixart(alpha: bool = True) -> Any:
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


def _pixart_theirs(
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


def _pixart_answer(pipe: Any, x: Tensor, time: float, text: str) -> Tensor:
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


FAMILIES = {
    "flux": Family(
        module="flux",
        build=_flux,
        theirs=_flux_theirs,
        answer=_flux_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "flux2": Family(
        module="flux2",
        build=_klein,
        theirs=_klein_theirs,
        answer=_klein_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "flux2_dev": Family(
        module="flux2",
        build=_dev,
        theirs=_dev_theirs,
        answer=_klein_answer,
        layers=lambda pipe: [*pipe.transformer.transformer_blocks, *pipe.transformer.single_transformer_blocks],
    ),
    "pixart": Family(
        module="pixart",
        build=_pixart,
        theirs=_pixart_theirs,
        answer=_pixart_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "qwen_image": Family(
        module="qwen_image",
        build=_qwen_image,
        theirs=_qwen_theirs,
        answer=_qwen_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
        guides=("token_norm",),
    ),
    "sana": Family(
        module="sana",
        size=(32, 64),
        build=_sana,
        theirs=_sana_theirs,
        answer=_sana_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "sana_sprint": Family(
        module="sana",
        size=(32, 64),
        build=lambda: _sana(sprint=True),
        theirs=_sprint_theirs,
        answer=_sana_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "sd3": Family(
        module="sd3",
        build=_sd3,
        theirs=_sd3_theirs,
        answer=_sd3_answer,
        layers=lambda pipe: pipe.transformer.transformer_blocks,
    ),
    "z_image": Family(
        module="z_image",
        build=_z_image,
        theirs=_z_image_theirs,
        answer=_z_image_answer,
        layers=lambda pipe: pipe.transformer.layers,
    ),
}


def built(name: str) -> Any:
    """Return the pipeline of a tiny checkpoint, the same at every call."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        return _quiet(FAMILIES[name].build())
