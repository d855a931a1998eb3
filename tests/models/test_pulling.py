"""Pulling from a small hub on loopback, by the command itself, in a process of its own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from hubs import COMMIT, Hub, limn, served
from limn.models.pulling import choose

WEIGHTS = save({"x": torch.zeros(1000)})
FILES = {
    "model_index.json": json.dumps({"_class_name": "StableDiffusionPipeline"}).encode(),
    "README.md": b"---\nlicense: mit\n---\n",
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": WEIGHTS,
    "unet/diffusion_pytorch_model.fp16.safetensors": WEIGHTS[:2000],
    "unet/diffusion_pytorch_model.bin": b"pickle",
    "safety_checker/model.safetensors": WEIGHTS,
    "all-in-one.safetensors": WEIGHTS,
    "evil.py": b"print(1)",
}


@pytest.fixture
def hub() -> Iterator[str]:
    with served({"owner/name": FILES}) as address:
        yield address


@pytest.mark.slow
def test_a_model_is_pulled_listed_and_found(hub: str, tmp_path: Path) -> None:
    asked = limn(tmp_path, hub, "pull", "owner/name")
    assert asked.returncode == 1
    assert "4 files" in asked.stderr
    assert "licence: mit" in asked.stderr
    assert "memory that are free" in asked.stderr
    assert not any("/resolve/" in line for line in Hub.asked)
    pulled = limn(tmp_path, hub, "pull", "owner/name", "--yes")
    assert (pulled.returncode, pulled.stdout.strip()) == (0, f"owner/name@{COMMIT}")
    home = tmp_path / "hub" / "models--owner--name"
    files = {
        path.relative_to(home / "snapshots" / COMMIT).as_posix()
        for path in home.glob("snapshots/*/**/*")
        if path.is_file()
    }
    assert files == {
        "model_index.json", "README.md", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"
    }  # fmt: skip
    record = json.loads((home / "limn.json").read_text())[COMMIT]
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    assert record["files"]["unet/diffusion_pytorch_model.safetensors"]["sha256"] == digest
    Hub.asked.clear()
    again = limn(tmp_path, hub, "pull", "owner/name", "--yes")
    assert "0.0 MB of it to be downloaded" in again.stderr
    assert not [line for line in Hub.asked if line.startswith("GET") and "/resolve/" in line]
    listed = limn(tmp_path, hub, "models", "--json")
    (card,) = [card for card in json.loads(listed.stdout) if card["name"] == "owner/name"]
    assert (card["draws"], card["licence"], card["commit"]) == ("stable_diffusion", "mit", COMMIT)
    Hub.asked.clear()
    drawn = limn(tmp_path, hub, "generate", "a", "--model", "owner/name", "--out", str(tmp_path / "runs"))
    assert "is missing" in drawn.stderr, "the folder of the cache is what is read"
    missing = limn(tmp_path, hub, "generate", "a", "--model", "owner/other", "--out", str(tmp_path / "runs"))
    assert "get it with: limn pull owner/other" in missing.stderr
    assert not Hub.asked, "drawing asks no hub"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "more", "match"),
    [
        ("owner/gated", {}, "is gated: accept its licence"),
        ("owner/none", {}, "there is no such repository"),
        ("owner/name", {"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set"),
        ("owner", {}, "is no repository; write OWNER/NAME"),
        ("owner/name", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "cannot be downloaded"),
    ],
)
def test_what_cannot_be_pulled_is_explained(
    name: str, more: dict[str, str], match: str, hub: str, tmp_path: Path
) -> None:
    result = limn(tmp_path, more.pop("HF_ENDPOINT", hub), "pull", name, "--yes", **more)
    assert result.returncode == 2
    assert match in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_another_content_than_promised_is_removed(hub: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "damaged", True)
    result = limn(tmp_path, hub, "pull", "owner/name", "--yes")
    assert "its SHA-256 is not what the hub says" in result.stderr
    monkeypatch.setattr(Hub, "damaged", False)
    assert limn(tmp_path, hub, "pull", "owner/name", "--yes").returncode == 0


def test_only_what_is_read_is_chosen() -> None:
    names = list(FILES)
    plain = ["README.md", "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.safetensors"]
    assert choose(names) == plain
    assert choose(names, "fp16") == [*plain[:3], "unet/diffusion_pytorch_model.fp16.safetensors"]
    shards = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors", "m.safetensors.index.json"]
    assert choose([f"unet/{name}" for name in shards]) == [f"unet/{name}" for name in shards]
    assert choose(["model.safetensors", "model.ckpt", "model.yaml"]) == ["model.safetensors"]


def test_of_an_adapter_its_file_and_notes_are_chosen() -> None:
    texts = ["LICENSE", "README.md"]
    trained = ["checkpoint-500/pytorch_lora_weights.safetensors", "checkpoint-500/optimizer.bin", "a.png", *texts]
    lora = "pytorch_lora_weights.safetensors"
    assert choose([lora, *trained]) == sorted([*texts, lora])
    peft = ["adapter_config.json", "adapter_model.safetensors"]
    assert choose([*peft, "tokenizer.json", "checkpoint-9/adapter_model.safetensors", *texts]) == sorted(
        [*texts, *peft]
    )
    several = ["felt.safetensors", "wool.safetensors", "unet/x.safetensors", "README.md"]
    assert choose(several) == sorted(several)
    assert choose(several, inside="wool.safetensors") == ["README.md", "wool.safetensors"]
    assert choose(several, inside="unet") == ["README.md", "unet/x.safetensors"]
    deep = [f"one/two/{name}" for name in peft]
    assert (
        choose([*deep, *several], inside="one/two")
        == choose([*deep, *several], inside=deep[1])
        == ["README.md", *deep]
    )
    assert choose(["model_index.json", lora, "unet/m.safetensors"]) == ["model_index.json", "unet/m.safetensors"]


@pytest.mark.slow
def test_a_branch_or_tag_that_was_pulled_is_found_by_its_name(hub: str, tmp_path: Path) -> None:
    assert limn(tmp_path, hub, "pull", "owner/name@refs/pr/1", "--yes").returncode == 0
    drawn = ("generate", "a", "--out", str(tmp_path / "runs"), "--model")
    assert "is missing" in limn(tmp_path, hub, *drawn, "owner/name@refs/pr/1").stderr
    other = limn(tmp_path, hub, *drawn, "owner/name@v2").stderr
    assert "has no revision 'v2'; there are cccccccccccc; get it with: limn pull owner/name@v2" in other
    Hub.commits["owner/name"] = "d" * 40
    assert limn(tmp_path, hub, "pull", "owner/name", "--yes").returncode == 0
    assert (tmp_path / "hub" / "models--owner--name" / "refs" / "main").read_text() == "d" * 40
