"""What tools write into their pictures, as they write it; nothing but a DataError for whatever else is in a file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limn.audit.provenance import a1111, c2pa, comfyui
from limn.audit.provenance.read import read_provenance
from limn.audit.provenance.record import Provenance
from limn.kernel.errors import DataError
from limn.store import write_png

FILES = Path(__file__).parent / "files"
A1111 = """(a red:1.2) heart, <lora:ink:0.8>
on grass
Negative prompt: blurry,
text
Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 965400086, \
Size: 512x512, Model hash: cc6cb27103, Model: v1-5-pruned-emaonly, Lora hashes: "ink: 01, b: 1", Version: v1.10.1"""
INVOKE = {
    "app_version": "3.3.0post3", "generation_mode": "txt2img", "positive_prompt": "landscape",
    "negative_prompt": "low quality", "width": 768, "height": 432, "seed": 356120443,
    "rand_device": "cpu", "steps": 50,
    "scheduler": "dpmpp_2m_sde_k", "loras": [],
    "model": {"model_name": "mixed", "base_model": "sd-1", "model_type": "main"},
}  # fmt: skip
COMFY: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 156680208700286, "steps": 20, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1.0,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15/v1-5-pruned.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a glass bottle", "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text, watermark", "clip": ["10", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
    "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink", "model": ["4", 0], "clip": ["4", 1]}},
}  # fmt: skip
FLUX: dict[str, Any] = {
    "1": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"noise": ["2", 0], "guider": ["3", 0], "latent_image": ["9", 0]},
    },
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 18446744073709551615}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["4", 0], "conditioning": ["5", 0]}},
    "4": {"class_type": "UNETLoader", "inputs": {"unet_name": "flux1-dev.safetensors", "weight_dtype": "default"}},
    "5": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["7", 0], "clip": ["8", 0]}},
    "7": {"class_type": "PrimitiveString", "inputs": {"value": "a fox"}},
}
SCREEN = {
    "nodes": [
        {"id": 3, "type": "KSampler", "mode": 0, "widgets_values": [42, "randomize", 20, 8, "euler", "normal", 1],
         "inputs": [{"name": "model", "link": 1}, {"name": "positive", "link": 4}, {"name": "negative", "link": 6}]},
        {"id": 4, "type": "CheckpointLoaderSimple", "mode": 0, "widgets_values": ["dream.safetensors"]},
        {"id": 6, "type": "CLIPTextEncode", "mode": 0, "widgets_values": ["a glass bottle"], "inputs": []},
        {"id": 7, "type": "CLIPTextEncode", "mode": 0, "widgets_values": ["text"], "inputs": []},
    ],
    "links": [[1, 4, 0, 3, 0, "MODEL"], [4, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"]],
}  # fmt: skip


def png(path: Path, **texts: str) -> Path:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name.replace("_", "-") if name == "sd_metadata" else name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def comment(path: Path, data: bytes) -> Path:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = data
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    return path


def test_a1111(tmp_path: Path) -> None:
    want = Provenance(
        tool="A1111",
        prompt="(a red:1.2) heart, <lora:ink:0.8> on grass",
        seed=965400086,
        model="v1-5-pruned-emaonly",
    )
    assert read_provenance(png(tmp_path / "a.png", parameters=A1111)) == want
    big, little = (b"UNICODE\0" + A1111.encode(f"utf-16-{order}") for order in ("be", "le"))
    for name, data in {
        "a.jpg": big,
        "b.webp": big,
        "c.jpg": little,
        "d.jpg": b"ASCII\0\0\0" + A1111.encode(),
    }.items():
        assert read_provenance(comment(tmp_path / name, data)) == want, name


def test_a1111_without_a_prompt_and_what_is_none() -> None:
    assert a1111.read({"parameters": "Steps: 1, Seed: 2, Size: 8x8, Model hash: 01"}) == Provenance(
        tool="A1111", prompt="", seed=2, model="01"
    )
    for text in ("", "a prompt", "a walk, Steps: many", '{"prompt": "x"}'):
        assert a1111.read({"parameters": text}) is None


def test_limn(tmp_path: Path) -> None:
    record = {"prompt": "a red heart", "seed": 7, "steps": 4, "model": "/models/dream"}
    write_png(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8), record)
    assert read_provenance(tmp_path / "a.png") == Provenance(
        tool="A1111", prompt="a red heart", seed=7, model="dream"
    )


def test_invokeai(tmp_path: Path) -> None:
    want = Provenance(tool="InvokeAI", prompt="landscape", seed=356120443, model="mixed")
    assert read_provenance(png(tmp_path / "a.png", invokeai_metadata=json.dumps(INVOKE))) == want
    named = {**INVOKE, "model": {"key": "1f", "hash": "blake3:0", "name": "mixed", "base": "sdxl", "type": "main"}}
    assert read_provenance(png(tmp_path / "b.png", invokeai_metadata=json.dumps(named))) == want
    old = {
        "model": "stable diffusion",
        "model_weights": "sd-1.4",
        "image": {"prompt": [{"prompt": "a fox", "weight": 1.0}], "seed": 5},
    }
    assert read_provenance(png(tmp_path / "c.png", sd_metadata=json.dumps(old))) == Provenance(
        tool="InvokeAI", prompt="a fox", seed=5, model="sd-1.4"
    )


def test_comfyui(tmp_path: Path) -> None:
    want = Provenance(tool="ComfyUI", prompt="a glass bottle", seed=156680208700286, model="v1-5-pruned")
    both = {"prompt": json.dumps(COMFY), "workflow": json.dumps(SCREEN)}
    assert read_provenance(png(tmp_path / "a.png", **both)) == want, "what ran goes before what was on the screen"
    exif = Image.Exif()
    exif[0x0110], exif[0x010F] = "prompt:" + both["prompt"], "workflow:" + both["workflow"]
    Image.new("RGB", (8, 8)).save(tmp_path / "a.webp", exif=exif)
    assert read_provenance(tmp_path / "a.webp") == want
    assert read_provenance(png(tmp_path / "b.png", prompt=json.dumps(FLUX))) == Provenance(
        tool="ComfyUI", prompt="a fox", seed=2**64 - 1, model="flux1-dev"
    )
    assert read_provenance(png(tmp_path / "c.png", workflow=both["workflow"])) == Provenance(
        tool="ComfyUI", prompt="a glass bottle", seed=42, model="dream"
    )


def test_no_pixel_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [png(tmp_path / "a.png", parameters=A1111), comment(tmp_path / "a.jpg", b"ASCII\0\0\0" + A1111.encode())]
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("it decodes"))
    assert all(
        read_provenance(path) for path in [*paths, *(FILES / f"c2pa.{kind}" for kind in ("png", "jpg", "webp"))]
    )


def test_a_graph_that_does_not_show_the_prompt_is_not_guessed() -> None:
    def asked(**changes: Any) -> Provenance | None:
        return comfyui.read({"prompt": json.dumps({**COMFY, **changes})})

    made = {"class_type": "CLIPTextEncode", "inputs": {"text": ["99", 0], "clip": ["4", 1]}}
    joined = {
        "class_type": "ConditioningCombine",
        "inputs": {"conditioning_1": ["7", 0], "conditioning_2": ["12", 0]},
    }
    cook = {"class_type": "CLIPTextEncode", "inputs": {"text": "a cook", "clip": ["4", 1]}}
    for wrong, gap in (
        (asked(**{"6": made}), "its graph does not show the prompt"),
        (asked(**{"6": joined, "12": cook}), "its graph has several prompts"),
    ):
        assert wrong is not None
        assert (wrong.prompt, wrong.gap, wrong.model) == ("", gap, "v1-5-pruned")
    second = {**COMFY["3"], "inputs": {**COMFY["3"]["inputs"], "seed": 1, "latent_image": ["3", 0]}}
    twice = asked(**{"11": second})
    assert twice is not None
    assert (twice.prompt, twice.seed) == ("a glass bottle", None), "two samplers, two seeds"


@pytest.mark.parametrize("kind", ["png", "jpg", "webp"])
def test_c2pa(kind: str) -> None:
    """Files signed by c2pa-python 0.38.1 with a certificate made for this test."""
    told = read_provenance(FILES / f"c2pa.{kind}")
    assert told is not None
    assert (told.tool, told.model, told.prompt, told.seed) == ("C2PA", "painter-2", "", None)
    assert told.gap == "a manifest tells no prompt and no seed"


def test_a_file_that_says_nothing_or_is_damaged(tmp_path: Path) -> None:
    assert read_provenance(png(tmp_path / "a.png")) is None
    for texts in (
        {"prompt": "[" * 9999},
        {"prompt": '{"3": 5}'},
        {"workflow": '{"nodes": [1]}'},
        {"invokeai_metadata": "3"},
    ):
        told = read_provenance(png(tmp_path / "b.png", **texts))
        assert told == Provenance(tool=next(iter(texts)), gap="of no form that is read here")
    (tmp_path / "c.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"c\.png: not a readable picture"):
        read_provenance(tmp_path / "c.png")


@given(st.data())
def test_damaged_manifests_say_so(data: st.DataObject) -> None:
    whole = (FILES / "c2pa.webp").read_bytes()
    start = whole.index(b"C2PA") + 8
    places = data.draw(st.lists(st.tuples(st.integers(start, len(whole) - 1), st.integers(0, 255)), max_size=20))
    damaged = bytearray(whole)
    for place, value in places:
        damaged[place] = value
    picture = Image.open(io.BytesIO(whole))
    told = c2pa.read(picture, bytes(damaged))
    assert told is None or isinstance(told.model, str)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "1",
                        "2",
                        "class_type",
                        "inputs",
                        "positive",
                        "text",
                        "nodes",
                        "links",
                        "model",
                        "guider",
                        "image",
                        "prompt",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_is_read_or_is_none(content: Any) -> None:
    from limn.audit.provenance import invokeai

    for name in ("prompt", "workflow", "invokeai_metadata", "sd-metadata"):
        told = (comfyui if name in ("prompt", "workflow") else invokeai).read({name: json.dumps(content)})
        assert told is None or isinstance(told.prompt, str)
