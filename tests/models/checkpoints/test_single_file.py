"""One file in the original format draws what the folder draws."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from original_keys import original_names, write_single_file

from limn import models
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError
from limn.models import checkpoints
from limn.models.checkpoints.shared.networks import blank
from limn.models.checkpoints.shared.published import V1, V2
from limn.models.checkpoints.single_file import read_configs
from limn.networks.weights import read_tensors, write_tensors

PARTS = ("scheduler", "text_encoder", "tokenizer", "unet", "vae")
# Weights of each part, as published: U-Net, VAE and text encoder.
PUBLISHED = {1: (859_520_964, 83_653_863, 123_060_480), 2: (865_910_724, 83_653_863, 340_387_840)}


@pytest.fixture
def single(checkpoint: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Writes a file with a folder of the same name beside it that has all but the weights."""

    def make(version: int = 1, prediction: str = "epsilon", parts: tuple[str, ...] = PARTS, **extra: object) -> Path:
        folder = checkpoint(prediction, version)
        path = write_single_file(folder, tmp_path / "model.safetensors", version=version, extra=extra)
        for part in parts:
            shutil.copytree(folder / part, tmp_path / "model" / part, ignore=shutil.ignore_patterns("*.safetensors"))
        return path

    return make


@pytest.mark.parametrize(("version", "prediction"), [(1, "epsilon"), (2, "v_prediction")])
def test_it_draws_what_the_folder_draws(
    checkpoint: Callable[..., Path], single: Callable[..., Path], version: int, prediction: str
) -> None:
    one = checkpoints.load(single(version, prediction))
    folder = checkpoints.load(checkpoint(prediction, version))
    drawn = [each.generate("a red heart", seed=3, steps=3)[0].pixels for each in (one, folder)]
    assert np.array_equal(*drawn)


def test_a_folder_can_be_given_for_the_tokenizer(
    checkpoint: Callable[..., Path], single: Callable[..., Path]
) -> None:
    path = single(parts=())
    assert checkpoints.load(path, tokenizer=checkpoint()).size == (64, 64)
    for given in (None, checkpoint() / "unet"):
        with pytest.raises(WeightsError, match=r"has no tokenizer.*put vocab.json and merges.txt there"):
            checkpoints.load(path, tokenizer=given)


def test_of_a_tokenizers_folder_only_the_tokenizer_is_taken(
    checkpoint: Callable[..., Path], single: Callable[..., Path]
) -> None:
    path = single(parts=("scheduler", "text_encoder", "unet", "vae"))
    assert checkpoints.load(path, tokenizer=checkpoint() / "tokenizer").size == (64, 64)
    shutil.rmtree(path.with_suffix(""))
    with pytest.raises(WeightsError, match=r"neither Stable Diffusion 1\.x nor"):
        checkpoints.load(path, tokenizer=checkpoint() / "tokenizer")


def test_unknown_shapes_ask_for_their_configuration(single: Callable[..., Path]) -> None:
    with pytest.raises(WeightsError, match=r"neither Stable Diffusion 1.x nor 2.x.*config.json"):
        checkpoints.load(single(parts=("tokenizer", "vae")))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            lambda t: t.pop("first_stage_model.decoder.conv_in.bias"),
            r"\(vae\): \d+ tensors matched, 1 missing, 0 un",
        ),
        (lambda t: t.pop("model.diffusion_model.out.2.bias"), r"\(unet\): \d+ tensors matched, 1 missing, 0 unexp"),
        (
            lambda t: t.update({"model.diffusion_model.out.2.bias": torch.zeros(5)}),
            r"conv_out.bias has shape \(5,\), expected \(4,\)",
        ),
        (
            lambda t: t.update({"model.diffusion_model.out.2.bias": torch.full((4,), torch.nan)}),
            r"out.2.bias holds values that are not finite",
        ),
        (lambda t: [t.pop(name) for name in list(t) if name.startswith("first_")], r"holds no VAE"),
        (lambda t: t.update({"conditioner.embedders.0.x": torch.zeros(1)}), r"nor XL by its shapes"),
    ],
)
def test_damaged_files_are_refused(single: Callable[..., Path], change: Callable[..., object], match: str) -> None:
    path = single()
    tensors = read_tensors(path)
    change(tensors)
    write_tensors(path, tensors)
    with pytest.raises(WeightsError, match=match):
        checkpoints.load(path)


def test_pickles_are_refused(single: Callable[..., Path], tmp_path: Path) -> None:
    path = single()
    for name in ("model.ckpt", "model.pt"):
        path.rename(tmp_path / name)
        with pytest.raises(WeightsError, match="pickle can run code"):
            checkpoints.load(tmp_path / name)
        (tmp_path / name).rename(path)


@pytest.mark.parametrize("version", [1, 2])
def test_the_published_models_fit_to_the_last_tensor(
    checkpoint: Callable[..., Path], tmp_path: Path, version: int
) -> None:
    """A file of full size, all hole, in which one tensor of the part checked last is missing."""
    known = {1: V1, 2: V2}[version]
    made = {part: blank(part, known[part], tmp_path).state_dict() for part in ("unet", "vae", "text_encoder")}
    assert tuple(sum(t.numel() for t in part.values()) for part in made.values()) == PUBLISHED[version]
    tensors = original_names(*made.values(), version=version)
    last = "token_embedding.weight"
    tensors = {name: tensor for name, tensor in tensors.items() if not name.endswith(last)}
    if version == 2:
        tensors["v_pred"] = torch.zeros(0)
    header, place = {}, 0
    for name, tensor in tensors.items():
        header[name] = {
            "dtype": "F16",
            "shape": list(tensor.shape),
            "data_offsets": [place, place + 2 * tensor.numel()],
        }
        place += 2 * tensor.numel()
    text = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + place)
    count = len(made["text_encoder"]) - 1
    with pytest.raises(WeightsError, match=rf"\(text_encoder\): {count} tensors matched, 1 missing, 0 unexpected"):
        checkpoints.load(path, tokenizer=checkpoint() / "tokenizer")


def test_a_second_version_must_say_what_it_predicts(checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    names = ("model.diffusion_model.attn2.to_k.weight", "first_stage_model.x", "cond_stage_model.x")
    tensors, path = {name: torch.zeros(1, 1024) for name in names}, tmp_path / "model.safetensors"
    write_tensors(path, tensors)
    with pytest.raises(WeightsError, match="does not say whether it predicts noise or v"):
        checkpoints.load(path, tokenizer=checkpoint() / "tokenizer")
    write_tensors(path, tensors | {"v_pred": torch.zeros(0), "ztsnr": torch.zeros(0)})
    configs, _ = read_configs(path, checkpoint() / "tokenizer")
    assert configs["scheduler"]["prediction_type"] == "v_prediction"
    assert configs["scheduler"]["rescale_betas_zero_snr"]
    assert (configs["unet"]["sample_size"], configs.pad) == (96, "!")


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("double_blocks.0.img_attn.qkv.weight", "holds the transformer of FLUX; limn reads that from a folder in"),
        ("model.diffusion_model.joint_blocks.0.x.weight", "holds the transformer of Stable Diffusion 3"),
        ("cap_embedder.0.weight", "holds the transformer of Z-Image"),
        ("lora_unet_x.lora_down.weight", "holds changes to a model or learned words; name it with --adapter"),
        ("elsewhere", "holds no U-Net"),
    ],
)
def test_what_else_a_file_holds_is_told(name: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(path, {name: torch.zeros(100, 4)})
    with pytest.raises(InputError, match=match):
        models.load(path)
    path.write_bytes(b"GGUF\x03" + bytes(100))
    with pytest.raises(WeightsError, match="a GGUF file by its content; limn reads safetensors only"):
        models.load(path)


def test_the_default_sampler_is_ddim(single: Callable[..., Path]) -> None:
    generator = checkpoints.load(single())
    assert registry.record(generator.stages[0].sampler)["name"] == "ddim"


@pytest.mark.parametrize(
    ("place", "said", "wanted"),
    [
        ("metadata", "v", "v_prediction"),
        ("metadata", "epsilon", "epsilon"),
        ("yaml", 'model:\n  params:\n    parameterization: "v"\n', "v_prediction"),
        ("yaml", "model:\n  params:\n    linear_start: 0.00085\n", "epsilon"),
    ],
)
@pytest.mark.parametrize("width", [768, 1024])
def test_a_file_says_what_it_predicts(
    place: str, said: str, wanted: str, width: int, checkpoint: Callable[..., Path], tmp_path: Path
) -> None:
    names = ("model.diffusion_model.attn2.to_k.weight", "first_stage_model.x", "cond_stage_model.x")
    path = tmp_path / "model.safetensors"
    metadata = {"modelspec.prediction_type": said} if place == "metadata" else {}
    write_tensors(path, {name: torch.zeros(1, width) for name in names}, metadata)
    if place == "yaml":
        path.with_suffix(".yaml").write_text(said)
    configs, _ = read_configs(path, checkpoint() / "tokenizer")
    assert configs["scheduler"]["prediction_type"] == wanted


def test_an_unknown_prediction_is_refused(checkpoint: Callable[..., Path], tmp_path: Path) -> None:
    names = ("model.diffusion_model.attn2.to_k.weight", "first_stage_model.x", "cond_stage_model.x")
    path = tmp_path / "model.safetensors"
    write_tensors(path, {name: torch.zeros(1, 768) for name in names}, {"modelspec.prediction_type": "wild"})
    with pytest.raises(WeightsError, match="says that it predicts 'wild', which limn does not know"):
        read_configs(path, checkpoint() / "tokenizer")
