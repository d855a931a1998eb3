"""LoRA files and learned words of SDXL in the layouts of diffusers, kohya and web UIs draw what diffusers draws."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file
from torch import Tensor

from limn import models

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
STEPS, BLOCK = 2, "transformer_blocks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.sdxl(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture
def pipe(folder: Path) -> Any:
    return tiny.pipeline(folder, "StableDiffusionXLPipeline", torch.float32)


def theirs(pipe: Any, text: str) -> Tensor:
    latents = tiny.noise(1)
    given = {"height": 64, "width": 64, "num_inference_steps": STEPS, "output_type": "latent"}
    result: Tensor = pipe(text, latents=latents, guidance_scale=5.0, **given).images
    return result


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4 * float(wanted.abs().max().clamp(min=1)))


def test_what_diffusers_wrote_of_three_networks(folder: Path, pipe: Any, tmp_path: Path) -> None:
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(0)
    networks = {"unet": pipe.unet, "text_encoder": pipe.text_encoder, "text_encoder_2": pipe.text_encoder_2}
    states = {}
    for name, network in networks.items():
        targets = ["to_q", "conv1"] if name == "unet" else ["q_proj"]
        network.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=targets, init_lora_weights=False))
        states[f"{name}_lora_layers"] = convert_state_dict_to_diffusers(get_peft_model_state_dict(network))
    pipe.save_lora_weights(tmp_path, **states)
    path = str(tmp_path / "pytorch_lora_weights.safetensors")
    generator = models.load(folder)
    found = tiny.drawn(generator, "a red heart", steps=STEPS, adapter=path)
    close(found, theirs(pipe, "a red heart"))
    assert (found - tiny.drawn(generator, "a red heart", steps=STEPS)).abs().max() > 0.01


def test_kohyas_names_of_the_original_code(folder: Path, pipe: Any, tmp_path: Path) -> None:
    """One layer of every kind of block, by names written out by hand."""
    layers = {
        f"input_blocks_3_1_{BLOCK}_0_attn1_to_q": "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q",
        "input_blocks_3_1_proj_in": "down_blocks.1.attentions.0.proj_in",
        f"middle_block_1_{BLOCK}_0_ff_net_2": "mid_block.attentions.0.transformer_blocks.0.ff.net.2",
        f"output_blocks_0_1_{BLOCK}_1_attn2_to_k": "up_blocks.0.attentions.0.transformer_blocks.1.attn2.to_k",
        f"output_blocks_1_1_{BLOCK}_0_attn2_to_v": "up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_v",
    }
    random, tensors = torch.Generator().manual_seed(1), {}
    for name, layer in layers.items():
        out, width = pipe.unet.get_submodule(layer).weight.shape
        start = f"lora_unet_{name}"
        tensors[f"{start}.lora_down.weight"] = 0.3 * torch.randn(2, width, generator=random)
        tensors[f"{start}.lora_up.weight"] = 0.3 * torch.randn(out, 2, generator=random)
        tensors[f"{start}.alpha"] = torch.tensor(1.0)
    path = tmp_path / "kohya.safetensors"
    save_file(tensors, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.load_lora_weights(str(path))
    generator = models.load(folder)
    found = tiny.drawn(generator, "a red heart", steps=STEPS, adapter=str(path))
    close(found, theirs(pipe, "a red heart"))
    assert (found - tiny.drawn(generator, "a red heart", steps=STEPS)).abs().max() > 0.01


def test_learned_words_of_both_encoders(folder: Path, pipe: Any, tmp_path: Path) -> None:
    random = torch.Generator().manual_seed(2)
    first, second = 0.5 * torch.randn(2, 16, generator=random), 0.5 * torch.randn(2, 24, generator=random)
    path = tmp_path / "zorp.safetensors"
    save_file({"clip_l": first, "clip_g": second}, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for vectors, part in ((first, ""), (second, "_2")):
            model, tokenizer = getattr(pipe, f"text_encoder{part}"), getattr(pipe, f"tokenizer{part}")
            pipe.load_textual_inversion({"zorp": vectors}, token="zorp", text_encoder=model, tokenizer=tokenizer)
    found = tiny.drawn(models.load(folder), "a red zorp", steps=STEPS, adapter=str(path))
    close(found, theirs(pipe, "a red zorp"))
