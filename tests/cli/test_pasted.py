"""What people paste, from the command line on a Stable Diffusion folder: tags of LoRA files, words, pictures."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save_file

from limn import cli
from limn.store import read_record

pytest.importorskip("peft")

Limn = Callable[..., tuple[int, str, str]]
OWN = ("--model", "model")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, and LoRA files and a learned word as other tools save them."""
    from tiny_stable_diffusion import build

    folder = tmp_path_factory.mktemp("home")
    build(folder / "model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers import StableDiffusionPipeline
        from diffusers.utils import convert_state_dict_to_diffusers
        from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya
        from peft import LoraConfig, get_peft_model_state_dict

        pipe: Any = StableDiffusionPipeline.from_pretrained(folder / "model", local_files_only=True)
    torch.manual_seed(0)
    pipe.unet.add_adapter(LoraConfig(r=2, lora_alpha=2, target_modules=["to_q"], init_lora_weights=False))
    state = get_peft_model_state_dict(pipe.unet)
    layers = convert_state_dict_to_diffusers(state)
    pipe.save_lora_weights(folder / "styles", unet_lora_layers=layers, weight_name="felt.safetensors")
    flat = convert_state_dict_to_kohya({f"unet.{name}": -own for name, own in state.items()})
    (folder / "styles" / "toys").mkdir()
    file = folder / "styles" / "toys" / "glass.safetensors"
    save_file({name: tensor.clone().contiguous() for name, tensor in flat.items()}, file)
    save_file({"emb_params": torch.randn(2, 16)}, folder / "styles" / "zorp.safetensors")
    return folder


@pytest.fixture
def limn(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Limn:
    """Run a command in a copy of that folder; returns its code, output and errors."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def picture(**texts: str) -> str:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save("pasted.png", pnginfo=info)
    return "pasted.png"


def pixels(path: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(path.strip()))


@pytest.mark.slow
def test_tags_and_words_are_the_files_of_a_folder(limn: Limn) -> None:
    own = (*OWN, "--steps", "2")
    code, path, error = limn(
        "generate", "a red zorp <lora:felt:0.8>, <lora:glass:-0.5>", *own, "--adapters", "styles"
    )
    assert code == 0, error
    record = read_record(Path(path.strip()))
    assert record["prompt"] == {"text": "a red zorp,"}
    files = ("styles/felt.safetensors:0.8", "styles/toys/glass.safetensors:-0.5", "styles/zorp.safetensors")
    assert set(record["request"]["files"]) == {name.partition(":")[0] for name in files}
    named = [word for file in files for word in ("--adapter", file)]
    _, same, _ = limn("generate", "a red zorp,", *own, *named, "--out", "other")
    assert (pixels(path) == pixels(same)).all()
    for part in ("felt:0.8", "glass:-0.5"):
        _, other, _ = limn("generate", f"a red zorp <lora:{part}>,", *own, "--adapters", "styles")
        assert (pixels(path) != pixels(other)).any()
    _, other, _ = limn("generate", "a red,", *own, *named[:4])
    assert (pixels(path) != pixels(other)).any(), "the word plays a part"
    assert limn("runs", "replay", path.strip())[0] == 0


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (("a heart <lora:fellt:1>", "--adapters", "styles"), "'fellt'; did you mean 'felt'"),
        (("a heart <lora:felt:1>",), "<lora:felt> names an adapter; say with --adapters in which folder it is"),
        (("a heart <lora:felt:1>", "--adapters", "nowhere"), "'nowhere' is no folder"),
    ],
)
def test_what_is_missing_is_told(limn: Limn, given: tuple[str, ...], match: str) -> None:
    code, out, error = limn("generate", *given, *OWN)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert match in error


def test_a_picture_of_a1111_is_a_request_that_draws(limn: Limn) -> None:
    text = (
        "a (red:1.3) heart <lora:felt:0.8>\nNegative prompt: blue\nSteps: 2, Sampler: Euler a, "
        "Schedule type: Karras, CFG scale: 4, Seed: 5, Size: 64x64, Model: dream, Clip skip: 2, "
        "ENSD: 31337, Version: v1.10.1"
    )
    code, request, error = limn("runs", "import", picture(parameters=text))
    assert (code, "ENSD: 31337: has no option here" in error) == (0, True)
    Path("asked.toml").write_text(request, "utf-8")
    code, _, error = limn("generate", "--request", "asked.toml", "--adapters", "styles")
    assert (code, "unknown model 'dream'" in error) == (2, True)
    code, path, error = limn("generate", "--request", "asked.toml", "--adapters", "styles", *OWN)
    assert code == 0, error
    asked = read_record(Path(path.strip()))["request"]
    assert (asked["seed"], asked["steps"], asked["sampler"]["name"]) == (5, 2, "euler_ancestral")
    assert (asked["spacing"], asked["model"]) == ("karras", "model:clip_skip=1")
    parts = {part["name"]: part for part in asked["guidance"]}
    assert (parts["classifier_free"]["scale"], parts["classifier_free"]["against"]) == (4.0, "blue")
    assert "token_weights" in parts


def test_pictures_of_comfyui_and_invokeai_are_requests_that_draw(limn: Limn) -> None:
    sampler = {
        "seed": 5, "steps": 2, "cfg": 4.0, "sampler_name": "uni_pc", "scheduler": "normal", "denoise": 1.0,
        "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
    }  # fmt: skip
    nodes = {
        "3": ("KSampler", sampler), "4": ("CheckpointLoaderSimple", {"ckpt_name": "dream.safetensors"}),
        "5": ("EmptyLatentImage", {"width": 64, "height": 64, "batch_size": 1}),
        "6": ("CLIPTextEncode", {"text": "a red heart", "clip": ["10", 1]}),
        "7": ("CLIPTextEncode", {"text": "blue", "clip": ["10", 1]}),
        "10": ("LoraLoader", {"lora_name": "felt.safetensors", "strength_model": 0.8, "strength_clip": 0.8,
                              "model": ["4", 0], "clip": ["4", 1]}),
    }  # fmt: skip
    comfy = json.dumps({name: {"class_type": kind, "inputs": own} for name, (kind, own) in nodes.items()})
    invoke = json.dumps({
        "positive_prompt": "a red heart", "negative_prompt": "blue", "width": 64, "height": 64, "seed": 5,
        "steps": 2, "cfg_scale": 4.0, "scheduler": "unipc", "model": {"name": "dream"},
        "loras": [{"model": {"name": "felt"}, "weight": 0.8}],
    })  # fmt: skip
    drawn = []
    for texts in ({"prompt": comfy}, {"invokeai_metadata": invoke}):
        code, request, _ = limn("runs", "import", picture(**texts))
        assert code == 0
        Path("asked.toml").write_text(request, "utf-8")
        code, path, error = limn("generate", "--request", "asked.toml", "--adapters", "styles", *OWN)
        assert code == 0, error
        drawn.append(path)
    assert drawn[0] == drawn[1], "both say the same, so that both are one run"
    assert read_record(Path(drawn[0].strip()))["request"]["sampler"]["name"] == "unipc"
    code, _, error = limn("runs", "import", "model/model_index.json")
    assert (code, "not a readable picture" in error) == (2, True)
