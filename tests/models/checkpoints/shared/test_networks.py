"""Weights of a model folder: damaged, unsafe, of other versions of the libraries."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from limn.io.files import sha256_of
from limn.kernel.errors import WeightsError
from limn.models import checkpoints
from limn.models.checkpoints.shared.vae import Vae
from limn.networks.weights import read_tensors, write_tensors

UNET = "unet/diffusion_pytorch_model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
TEXT = "text_encoder/model.safetensors"


class Evil:
    """What a hostile pickle does when opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def draw(folder: Path) -> np.ndarray:
    return checkpoints.load(folder).generate("a red heart", seed=1, steps=2)[0].pixels


def rename(path: Path, change: Callable[[str], str]) -> None:
    write_tensors(path, {change(name): tensor for name, tensor in read_tensors(path).items()})


def test_names_of_older_and_newer_libraries_are_read(copy: Path) -> None:
    want = draw(copy)
    old = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}

    def older(name: str) -> str:
        for new, before in old.items():
            name = name.replace(new, before)
        return name

    rename(copy / VAE, older)
    assert any(".query." in name for name in read_tensors(copy / VAE))
    rename(copy / TEXT, lambda name: name.removeprefix("text_model."))
    text = read_tensors(copy / TEXT)
    write_tensors(copy / TEXT, text | {"embeddings.position_ids": torch.arange(77)[None]})
    (copy / UNET).rename(copy / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    assert np.array_equal(draw(copy), want)


@pytest.mark.parametrize("file", [UNET, VAE, TEXT])
def test_a_pickle_is_refused_under_any_name_and_never_opened(copy: Path, file: str) -> None:
    path, mark = copy / file, copy / "opened"
    payload = pickle.dumps(Evil(mark))
    path.write_bytes(payload)
    with pytest.raises(WeightsError, match="a pickle by its content"):
        checkpoints.load(copy)
    torch.save({"a": Evil(mark)}, path)
    with pytest.raises(WeightsError, match="a pickle by its content"):
        checkpoints.load(copy)
    path.rename(path.with_suffix(".bin"))
    with pytest.raises(WeightsError, match=r"\.bin: a pickle can run code.* get .*safetensors of the same model"):
        checkpoints.load(copy)
    assert not mark.exists()


@pytest.mark.parametrize("file", [UNET, VAE, TEXT])
def test_damage_is_named(copy: Path, file: str) -> None:
    path = copy / file
    sound = path.read_bytes()
    for data, match in (
        (b"", "0 bytes"),
        (sound[:-10], "bytes of data where the header says"),
        (b"<!DOCTYPE html><html>" + bytes(100), "header of"),
    ):
        path.write_bytes(data)
        with pytest.raises(WeightsError, match=f"{path.name}: .*{match}"):
            checkpoints.load(copy)
    path.unlink()
    with pytest.raises(WeightsError, match=f"{path.name}: no such file; get the model again"):
        checkpoints.load(copy)


def test_values_that_are_not_numbers_are_refused(copy: Path) -> None:
    tensors = read_tensors(copy / VAE)
    next(iter(tensors.values())).view(-1)[0] = torch.inf
    write_tensors(copy / VAE, tensors)
    with pytest.raises(WeightsError, match="not finite numbers"):
        checkpoints.load(copy)


def test_weights_too_large_for_half_precision_are_refused(copy: Path) -> None:
    tensors = read_tensors(copy / VAE)
    next(iter(tensors.values())).view(-1)[0] = 1e6
    write_tensors(copy / VAE, tensors)
    with pytest.raises(WeightsError, match=r"not finite numbers in torch.float16"):
        checkpoints.load(copy, dtype=torch.float16)


def test_a_manifest_is_followed(copy: Path) -> None:
    sums = copy / "unet" / "SHA256SUMS"
    sums.write_text(f"{sha256_of(copy / UNET)}  {Path(UNET).name}\n")
    checkpoints.load(copy)
    tensors = read_tensors(copy / UNET, sha256=sha256_of(copy / UNET))
    next(iter(tensors.values())).view(-1)[0] += 1
    write_tensors(copy / UNET, tensors)
    with pytest.raises(WeightsError, match="SHA-256"):
        checkpoints.load(copy)


def test_the_vae_encodes_and_decodes_as_the_library_does(pipeline: Callable[..., object]) -> None:
    model = pipeline("epsilon", torch.float64).vae  # type: ignore[attr-defined]
    vae, images = Vae(model, 4, 8), torch.rand(2, 3, 64, 64).double() * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(vae.encode(images), model.encode(images).latent_dist.mode(), rtol=0, atol=1e-9)
        latents = torch.randn(2, 4, 8, 8).double()
        torch.testing.assert_close(vae.decode(latents), model.decode(latents).sample, rtol=0, atol=1e-9)
