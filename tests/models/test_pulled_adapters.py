"""Adapters of a hub: pulled once by the command, then named by their repository, and never fetched by drawing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from hubs import COMMIT, Hub, served
from limn import cli, models, studio
from limn.io.files import sha256_of
from limn.io.pictures import read_picture
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator
from limn.models.locating import adapter, pinned
from limn.store import Store, read_record
from limn.text.places import place

pytest.importorskip("diffusers")
peft = pytest.importorskip("peft")

Limn = Callable[..., tuple[int, str, str]]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_stable_diffusion import build

    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def repositories(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """Files that diffusers and peft wrote."""
    from diffusers import StableDiffusionPipeline, UNet2DConditionModel
    from diffusers.utils import convert_state_dict_to_diffusers

    home = tmp_path_factory.mktemp("repositories")
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        unet = UNet2DConditionModel.from_pretrained(checkpoint / "unet")
        config = peft.LoraConfig(r=2, lora_alpha=4, target_modules=["to_q", "conv1"], init_lora_weights=False)
        changed = peft.get_peft_model(unet, config)
        changed.save_pretrained(home / name)
        layers = convert_state_dict_to_diffusers(peft.get_peft_model_state_dict(changed))
        layers = {layer.removeprefix("base_model.model."): tensor for layer, tensor in layers.items()}
        StableDiffusionPipeline.save_lora_weights(home / f"{name}-alone", unet_lora_layers=layers)
    one, two = (files_of(home / f"{name}-alone")["pytorch_lora_weights.safetensors"] for name in ("one", "two"))
    return {
        "owner/lora": {
            "pytorch_lora_weights.safetensors": one, "README.md": b"", "sample.png": b"",
            "checkpoint-5/pytorch_lora_weights.safetensors": two,
        },
        "owner/peft": {**files_of(home / "one"), "tokenizer.json": b"{}"},
        "owner/several": {"felt.safetensors": one, "wool.safetensors": two},
    }  # fmt: skip


@pytest.fixture
def limn(
    repositories: dict[str, dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., tuple[int, str, str]]]:
    """Run a command beside a hub; returns its code and what it prints."""

    def call(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.run(arguments)
        return (code, *capsys.readouterr())

    with served({name: dict(files) for name, files in repositories.items()}) as address:
        monkeypatch.chdir(tmp_path)
        for name, value in (("HF_HUB_CACHE", str(tmp_path / "hub")), ("HF_ENDPOINT", address)):
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)  # read when it was imported
        yield call


def draw(generator: Generator, folder: Path, *adapters: str) -> Path:
    request = generator.request("a red heart", steps=2, adapter=adapters)
    events = studio.generate(generator, request, Store(folder))
    (path,) = [event.path for event in events if isinstance(event, studio.Drawn)]
    return path


def pixels(path: Path) -> bytes:
    return read_picture(path).tobytes()


def test_what_was_pulled_draws_as_the_file_does_and_is_pinned_in_the_record(
    limn: Limn, checkpoint: Path, tmp_path: Path
) -> None:
    _, out, told = limn("pull", "owner/lora", "--yes")
    assert out.strip() == f"owner/lora@{COMMIT}"
    assert "2 files" in told
    assert "2 others left out; licence: mit" in told
    generator = models.load(checkpoint)
    path, file = draw(generator, tmp_path / "runs", "owner/lora:0.5"), tmp_path / "lora.safetensors"
    file.write_bytes(Hub.repositories["owner/lora"]["pytorch_lora_weights.safetensors"])
    assert pixels(path) == pixels(draw(generator, tmp_path / "runs", f"{file}:0.5"))
    record, name = read_record(path), f"owner/lora/pytorch_lora_weights.safetensors@{COMMIT}"
    (part,) = [part for part in record["request"]["guidance"] if part["name"] == "adapted"]
    assert part["adapter"] == [f"{name}:0.5"]
    assert record["request"]["files"] == {name: sha256_of(file)}
    assert record["circumstances"]["pulled"] == {name: {"commit": COMMIT, "licence": "mit"}}
    Hub.commits["owner/lora"] = "d" * 40
    own = Hub.repositories["owner/lora"]
    own["pytorch_lora_weights.safetensors"] = own["checkpoint-5/pytorch_lora_weights.safetensors"]
    assert limn("pull", "owner/lora", "--yes")[0] == 0
    assert place("0,0,1,1=a cat@owner/lora@refs/pr/1:0.5").adapter == "owner/lora@refs/pr/1:0.5"
    assert adapter("owner/lora").read_bytes() != file.read_bytes(), "main has moved"
    Hub.asked.clear()
    replayed = list(studio.replay(path, models.load))[-1]
    assert isinstance(replayed, studio.Replay)
    assert replayed.same
    adapter(name).unlink()
    with pytest.raises(InputError, match=f"which is not here; get it with: limn pull {name}"):
        list(studio.replay(path, models.load))
    assert not Hub.asked, "drawing asks no hub"


def test_one_file_of_several_and_a_folder_of_peft(limn: Limn, checkpoint: Path, tmp_path: Path) -> None:
    assert limn("pull", "owner/peft", "--yes")[0] == 0
    assert not (adapter("owner/peft") / "tokenizer.json").exists()
    assert (adapter("owner/peft").name, pinned("owner/peft")) == (COMMIT, f"owner/peft@{COMMIT}")
    _, out, told = limn("pull", "owner/several/felt.safetensors", "--yes")
    assert out.strip() == f"owner/several/felt.safetensors@{COMMIT}"
    assert adapter("owner/several") == adapter("owner/several/felt.safetensors"), "the only one there is"
    _, _, told = limn("pull", "owner/several", "--yes")
    assert "2 files of weights; limn pull owner/several/felt.safetensors gets one alone" in told
    noted = json.loads((tmp_path / "hub" / "models--owner--several" / "limn.json").read_text())[COMMIT]
    assert set(noted["files"]) == {"felt.safetensors", "wool.safetensors"}
    generator, holds = models.load(checkpoint), "owner/several: holds felt.safetensors, wool.safetensors"
    with pytest.raises(InputError, match=f"{holds}; name one of them, as owner/several/felt.safetensors"):
        generator.request("a", adapter="owner/several")
    named = ("owner/peft", "owner/several/felt.safetensors", "owner/several/wool.safetensors")
    assert len({pixels(draw(generator, tmp_path / "runs", name)) for name in named}) == 3
    (prompt,) = generator.request("a red heart", region=[f"0,0,0.5,1=heart@{named[1]}"]).prompts
    assert prompt.regions[0].adapter == f"{named[1]}@{COMMIT}"


def test_what_is_not_here_is_told_with_how_to_get_it(limn: Limn, checkpoint: Path) -> None:
    generator = models.load(checkpoint)
    for name in ("owner/none", "owner/several/none.safetensors", "owner/none/x.safetensors"):
        with pytest.raises(InputError, match=f"no such file; check the path, or get it with: limn pull {name}"):
            generator.request("a", adapter=name)
    with pytest.raises(InputError, match=r"no such file; check the path$"):
        generator.request("a", adapter="loras/felt.safetensors")
    assert not Hub.asked, "drawing asks no hub"
    code, _, told = limn("pull", "owner/several/none.safetensors", "--yes")
    assert (code, "owner/several has felt.safetensors, wool.safetensors" in told) == (2, True)


def test_what_was_pulled_is_listed_and_shown(limn: Limn) -> None:
    for name in ("owner/peft", "owner/several"):
        assert limn("pull", name, "--yes")[0] == 0
    shown = json.loads(limn("adapters", "show", "owner/several/felt.safetensors", "--json")[1])
    assert (shown["licence"], shown["pulled as"]) == ("mit", f"owner/several/felt.safetensors@{COMMIT}")
    cards = {card["name"]: card["draws"] for card in json.loads(limn("models", "--json")[1])}
    assert (cards["owner/peft"], cards["owner/several"]) == ("an adapter", "2 adapters")
    assert "or one of its files: felt.safetensors, wool" in limn("generate", "a", "--model", "owner/several")[2]
    for name in ("owner/peft/adapter_model.safetensors", "owner/several/wool.safetensors"):
        assert "name it with --adapter" in limn("generate", "a", "--model", name)[2]
