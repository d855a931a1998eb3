"""Pulling from a small hub on loopback, by the command itself, in a process of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from limn.models.pulling import choose

COMMIT = "c" * 40
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


class Hub(BaseHTTPRequestHandler):
    """What huggingface_hub asks of a hub."""

    asked: list[str] = []
    damaged = False

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.asked.append(f"{self.command} {self.path}")
        path = self.path.partition("?")[0]
        if path.startswith("/api/models/owner/gated"):
            return self.answer(b"{}", 403, X_Error_Code="GatedRepo", X_Error_Message="gated")
        if path.startswith("/api/models/owner/none"):
            return self.answer(b"{}", 404, X_Error_Code="RepoNotFound")
        if path.startswith("/api/models/owner/name"):
            return self.answer(json.dumps(self.info()).encode(), Content_Type="application/json")
        name = path.partition(f"/resolve/{COMMIT}/")[2]
        body = FILES[name]
        etag = hashlib.sha256(body).hexdigest()
        if self.damaged and name.endswith(".safetensors"):
            body = body[:-4] + b"\x01\x00\x00\x00"
        given = self.headers.get("Range", "")
        if self.command == "GET" and given.startswith("bytes="):
            start = int(given[6:].partition("-")[0])
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return self.answer(body[start:], 206, X_Repo_Commit=COMMIT, ETag=f'"{etag}"', Content_Range=span)
        return self.answer(body, X_Repo_Commit=COMMIT, ETag=f'"{etag}"')

    def info(self) -> dict[str, Any]:
        def file(name: str, body: bytes) -> dict[str, Any]:
            digest = hashlib.sha256(body).hexdigest()
            large = {"lfs": {"sha256": digest, "size": len(body), "pointerSize": 1}} if "safetensors" in name else {}
            return {"rfilename": name, "size": len(body), "blobId": "0" * 40, **large}

        return {
            "id": "owner/name", "modelId": "owner/name", "sha": COMMIT, "private": False, "tags": [],
            "cardData": {"license": "mit"}, "siblings": [file(name, body) for name, body in FILES.items()],
        }  # fmt: skip


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(Hub, "asked", [])
    monkeypatch.setattr(Hub, "damaged", False)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def limn(home: Path, hub: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {
        "HF_HOME": str(home),
        "HF_ENDPOINT": hub,
        "HF_HUB_DISABLE_XET": "1",
        "NO_PROXY": "127.0.0.1",
        **more,
    }
    command = [sys.executable, "-m", "limn", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, input="n\n", check=False)


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
