"""What A1111, ComfyUI and InvokeAI write becomes the nearest request, and what has no place in it is told."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limn.kernel.errors import InputError
from limn.store import write_png
from limn.studio.importing import Imported, imported

NOISE = "noise: every tool has its own, so that the picture will be another one"
A1111 = """a (red:1.2) heart "on" grass, <lora:ink:0.8>
Negative prompt: blurry,
text
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 965400086, Size: 512x768, Clip skip: 2, \
Model hash: cc6cb27103, Model: dream, Denoising strength: 0.4, Hires upscaler: Latent, Version: v1.10.1"""


def read(folder: Path, **texts: str) -> Imported:
    info, path = PngInfo(), folder / "a.png"
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return imported(path)


def graph(**changes: Any) -> str:
    """A graph as ComfyUI saves it."""
    inputs = {
        "seed": 7, "steps": 20, "cfg": 8.0, "sampler_name": "dpmpp_2m_sde_gpu", "scheduler": "sgm_uniform",
        "denoise": 1.0, "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
    }  # fmt: skip
    inputs |= changes.pop("inputs", {})
    nodes = {
        "3": ("KSampler", inputs),
        "4": ("CheckpointLoaderSimple", {"ckpt_name": "sd15\\dream.safetensors"}),
        "5": ("EmptyLatentImage", {"width": 512, "height": 768, "batch_size": 1}),
        "6": ("CLIPTextEncode", {"text": "a glass bottle", "clip": ["11", 0]}),
        "7": ("CLIPTextEncode", {"text": "text, watermark", "clip": ["11", 0]}),
        "8": ("VAEDecode", {"samples": ["3", 0], "vae": ["4", 2]}),
        "10": ("LoraLoader", {"lora_name": "styles/ink.safetensors", "strength_model": 0.7, "strength_clip": 1,
                              "model": ["4", 0], "clip": ["4", 1]}),
        "11": ("CLIPSetLastLayer", {"stop_at_clip_layer": -2, "clip": ["10", 1]}),
        **changes,
    }  # fmt: skip
    return json.dumps({name: {"class_type": kind, "inputs": own} for name, (kind, own) in nodes.items()})


def test_a1111(tmp_path: Path) -> None:
    result = read(tmp_path, parameters=A1111)
    assert tomllib.loads(result.toml()) == {
        "prompts": ['a (red:1.2) heart "on" grass, <lora:ink:0.8>'], "negative": "blurry, text", "steps": 20,
        "sampler": "dpmpp_2m", "spacing": "karras", "scale": 7.0, "seed": 965400086, "size": "512x768",
        "clip_skip": 1, "guide": ["token_weights"], "model": "dream",
    }  # fmt: skip
    assert result.notes == (
        "Denoising strength: 0.4: has no option here",
        "Hires upscaler: Latent: has no option here",
        "adapters: name the folder of ink with --adapters",
        "model: the file calls it 'dream'; say with --model where it is",
        NOISE,
    )


def test_comfyui(tmp_path: Path) -> None:
    result = read(tmp_path, prompt=graph())
    assert tomllib.loads(result.toml()) == {
        "prompts": ["a glass bottle <lora:ink:0.7>"], "negative": "text, watermark", "steps": 20, "scale": 8.0,
        "sampler": "dpmpp_2m_sde", "spacing": "trailing", "seed": 7, "size": "512x768", "clip_skip": 1,
        "model": "dream",
    }  # fmt: skip
    assert len(result.notes) == 3


def test_comfyui_says_what_it_cannot_map(tmp_path: Path) -> None:
    control = ("ControlNetApply", {"conditioning": ["6", 0], "control_net": ["13", 0], "image": ["14", 0]})
    loader = ("ControlNetLoader", {"control_net_name": "edges"})
    told = {
        "positive": ["12", 0],
        "denoise": 0.5,
        "sampler_name": "heunpp2",
        "scheduler": "ddim_uniform",
        "seed": 2**64 - 1,
    }
    result = read(tmp_path, prompt=graph(inputs=told, **{"12": control, "13": loader}))
    assert {"sampler", "spacing", "seed"}.isdisjoint(result.given)
    assert set(result.notes) == {
        "node ControlNetApply: has no option here",
        "node ControlNetLoader: has no option here",
        "denoise: 0.5: has no option here",
        "sampler: 'heunpp2' is not here; the model's own is used",
        "spacing: 'ddim_uniform' is not here; the model's own is used",
        f"seed: {2**64 - 1} is above what a request may say",
        "adapters: name the folder of ink with --adapters",
        "model: the file calls it 'dream'; say with --model where it is",
        NOISE,
    }


def test_comfyuis_graph_of_flux(tmp_path: Path) -> None:
    nodes = {
        "1": ("SamplerCustomAdvanced", {"noise": ["2", 0], "guider": ["3", 0], "sampler": ["7", 0],
                                        "sigmas": ["8", 0], "latent_image": ["9", 0]}),
        "2": ("RandomNoise", {"noise_seed": 5}),
        "3": ("BasicGuider", {"model": ["4", 0], "conditioning": ["5", 0]}),
        "4": ("UNETLoader", {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}),
        "5": ("FluxGuidance", {"guidance": 3.5, "conditioning": ["6", 0]}),
        "6": ("CLIPTextEncode", {"text": "a fox", "clip": ["10", 0]}),
        "7": ("KSamplerSelect", {"sampler_name": "euler"}),
        "8": ("BasicScheduler", {"scheduler": "normal", "steps": 28, "denoise": 1.0, "model": ["4", 0]}),
        "9": ("EmptySD3LatentImage", {"width": 1024, "height": 1024, "batch_size": 1}),
        "10": ("DualCLIPLoader", {"clip_name1": "t5", "clip_name2": "clip_l", "type": "flux"}),
    }  # fmt: skip
    text = json.dumps({name: {"class_type": kind, "inputs": own} for name, (kind, own) in nodes.items()})
    result = read(tmp_path, prompt=text)
    assert result.given == {
        "prompts": ["a fox"], "steps": 28, "scale": 3.5, "sampler": "euler", "size": "1024x1024", "seed": 5,
        "model": "flux1-dev",
    }  # fmt: skip
    assert len(result.notes) == 2


def test_invokeai(tmp_path: Path) -> None:
    told = {
        "app_version": "3.3.0post3", "generation_mode": "txt2img", "positive_prompt": "a (red)1.3 heart",
        "negative_prompt": "low quality", "width": 768, "height": 432, "seed": 3, "rand_device": "cpu", "steps": 50,
        "cfg_scale": 7.5, "scheduler": "dpmpp_2m_sde_k", "clip_skip": 1, "strength": 0.6, "controlnets": [],
        "loras": [{"lora": {"model_name": "ink", "base_model": "sd-1"}, "weight": 0.75}],
        "model": {"model_name": "mixed", "base_model": "sd-1", "model_type": "main"},
    }  # fmt: skip
    result = read(tmp_path, invokeai_metadata=json.dumps(told))
    assert tomllib.loads(result.toml()) == {
        "prompts": ["a (red)1.3 heart <lora:ink:0.75>"], "negative": "low quality", "steps": 50, "scale": 7.5,
        "sampler": "dpmpp_2m_sde", "spacing": "karras", "clip_skip": 1, "size": "768x432", "seed": 3,
        "model": "mixed",
    }  # fmt: skip
    assert result.notes[:2] == (
        "strength: 0.6: has no option here", "prompts: weights in InvokeAI's way are read as plain text"
    )  # fmt: skip


def test_what_limn_drew_is_replayed(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8), {"prompt": "a red heart", "seed": 7, "steps": 4})
    with pytest.raises(InputError, match=r"was drawn by limn; limn runs replay .*a\.png draws it again"):
        imported(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ({}, "does not say how it was drawn"),
        ({"prompt": "[1]"}, r"does not say what was asked for \(prompt: of no form that is read here\)"),
        ({"prompt": graph(**{"6": ("Wild", {"clip": ["11", 0]})})}, "its graph does not show the prompt"),
    ],
)
def test_what_says_nothing_is_refused(tmp_path: Path, texts: dict[str, str], match: str) -> None:
    with pytest.raises(InputError, match=match):
        read(tmp_path, **texts)
