"""Folders of transformer checkpoints: what is unsafe, unknown or does not fit is refused by name."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from limn.kernel.errors import ModelWarning, WeightsError
from limn.models import checkpoints
from tiny_families import built

TRANSFORMER = Path("transformer", "diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("z_image") / "model"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built("z_image").save_pretrained(folder)
    return folder


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def changed(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_defaults_are_told_by_the_folder(copy: Path) -> None:
    base = checkpoints.load(copy)
    turbo = checkpoints.load(copy.rename(copy.with_name("Z-Image-Turbo")))
    cached = copy.parent / "models--Tongyi-MAI--Z-Image-Turbo" / "snapshots" / ("c" * 40)
    shutil.copytree(turbo.name, cached)
    pulled = checkpoints.load(cached)
    assert (pulled.main.steps, pulled.guidance) == (turbo.main.steps, turbo.guidance)
    assert [(model.main.steps, model.guidance[0].scale) for model in (base, turbo)] == [(50, 5.0), (8, 1.0)]  # type: ignore[attr-defined]
    with pytest.warns(ModelWarning, match=r"made to draw without guidance; scale 5 spoils its pictures"):
        turbo.request("a heart", scale=5)
    assert base.request("a heart", scale=5).steps == 50
    assert base.weights == turbo.weights
    assert base.size == (128, 128), "as many rows as the network has places for, which are fewer than usual"


def test_shards_are_read_as_one(saved: Path, copy: Path) -> None:
    weights = load_file(copy / TRANSFORMER)
    names, shards = sorted(weights), {}
    for place, part in enumerate((names[::2], names[1::2])):
        shards |= dict.fromkeys(part, f"part-{place}.safetensors")
        save_file({name: weights[name] for name in part}, copy / "transformer" / f"part-{place}.safetensors")
    (copy / TRANSFORMER).unlink()
    index = copy / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    one, several = (checkpoints.load(folder).main.predictor.network.module for folder in (saved, copy))  # type: ignore[attr-defined]
    assert all(torch.equal(one.state_dict()[name], tensor) for name, tensor in several.state_dict().items())
    index.write_text(json.dumps({"weight_map": {"x": "../../evil.safetensors"}}))
    with pytest.raises(WeightsError, match="does not say in which safetensors files"):
        checkpoints.load(copy)


def test_half_precision_is_read(copy: Path) -> None:
    weights = load_file(copy / TRANSFORMER)
    save_file({name: tensor.bfloat16() for name, tensor in weights.items()}, copy / TRANSFORMER)
    assert checkpoints.load(copy).main.predictor.network.module.dtype == torch.float32  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_eight_bits_are_read_as_diffusers_reads_them(kind: torch.dtype, copy: Path) -> None:
    from diffusers import ZImageTransformer2DModel

    weights = load_file(copy / TRANSFORMER)
    save_file({name: tensor.to(kind) for name, tensor in weights.items()}, copy / TRANSFORMER, {"format": "pt"})
    theirs = ZImageTransformer2DModel.from_pretrained(
        copy, subfolder="transformer", local_files_only=True, torch_dtype=torch.float32
    ).state_dict()
    ours = checkpoints.load(copy).main.predictor.network.module.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert any(not torch.equal(ours[name], tensor) for name, tensor in weights.items()), "less is known of them"


def breaks(**fields: Any) -> Callable[[Path], None]:
    return lambda folder: changed(folder / "transformer" / "config.json", **fields)


def removed(folder: Path) -> None:
    weights = load_file(folder / TRANSFORMER)
    del weights["cap_pad_token"]
    save_file(weights, folder / TRANSFORMER)


def integer(folder: Path) -> None:
    weights = load_file(folder / TRANSFORMER)
    name = next(name for name in sorted(weights) if "x_embedder" in name and name.endswith(".weight"))
    save_file({**weights, name: weights[name].to(torch.int8)}, folder / TRANSFORMER)


def pickled(folder: Path) -> None:
    (folder / TRANSFORMER).rename(folder / "transformer" / "diffusion_pytorch_model.bin")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (breaks(n_layer=3), "unknown field 'n_layer'.*n_layers"),
        (breaks(auto_map={"x": "y"}), "auto_map asks to run code"),
        (breaks(n_layers=10**6), "so many layers"),
        (breaks(quantization_config={"quant_method": "torchao"}), "are quantised by 'torchao', which limn does not"),
        (integer, "x_embedder.* is torch.int8 without its scales; get its weights in 16"),
        (breaks(dim=48), "contradict each other|expected"),
        (breaks(siglip_feat_dim=8), "siglip_feat_dim is 8; limn takes null"),
        (removed, "1 missing.*cap_pad_token"),
        (pickled, "a pickle can run code"),
        (lambda folder: changed(folder / "model_index.json", tokenizer=["evil", "Tokenizer"]), "tokenizer is"),
        (lambda folder: changed(folder / "model_index.json", unet=["diffusers", "UNet"]), "unknown field 'unet'"),
        (lambda folder: changed(folder / "tokenizer" / "tokenizer_config.json", auto_map={}), "asks to run code"),
        (lambda folder: (folder / "tokenizer" / "tokenizer.json").write_text("{}"), "tokenizer cannot be read"),
        (
            lambda folder: changed(folder / "scheduler" / "scheduler_config.json", invert_sigmas=True),
            "invert_sigmas",
        ),
    ],
)
def test_what_does_not_fit_is_refused(copy: Path, change: Callable[[Path], object], says: str) -> None:
    change(copy)
    with pytest.raises(WeightsError, match=says) as raised:
        checkpoints.load(copy)
    assert "\n" not in str(raised.value)
