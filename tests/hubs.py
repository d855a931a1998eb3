"""A small hub on loopback, with what huggingface_hub asks of one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "c" * 40


class Hub(BaseHTTPRequestHandler):
    """Its repositories are class attributes, for the time of a test."""

    repositories: dict[str, dict[str, bytes]] = {}
    commits: dict[str, str] = {}
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
        if path.startswith("/api/models/"):
            return self.about("/".join(path.split("/")[3:5]))
        name, _, rest = path.removeprefix("/").partition("/resolve/")
        commit, _, file = rest.partition("/")
        body = self.repositories[name][file]
        etag = hashlib.sha256(body).hexdigest()
        if self.damaged and file.endswith(".safetensors"):
            body = body[:-4] + b"\x01\x00\x00\x00"
        given = self.headers.get("Range", "")
        if self.command == "GET" and given.startswith("bytes="):
            start = int(given[6:].partition("-")[0])
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            return self.answer(body[start:], 206, X_Repo_Commit=commit, ETag=f'"{etag}"', Content_Range=span)
        return self.answer(body, X_Repo_Commit=commit, ETag=f'"{etag}"')

    def about(self, name: str) -> None:
        if name == "owner/gated":
            return self.answer(b"{}", 403, X_Error_Code="GatedRepo", X_Error_Message="gated")
        if name not in self.repositories:
            return self.answer(b"{}", 404, X_Error_Code="RepoNotFound")

        def file(own: str, body: bytes) -> dict[str, Any]:
            digest = hashlib.sha256(body).hexdigest()
            large = {"lfs": {"sha256": digest, "size": len(body), "pointerSize": 1}} if "safetensors" in own else {}
            return {"rfilename": own, "size": len(body), "blobId": "0" * 40, **large}

        info = {
            "id": name, "modelId": name, "sha": self.commits.get(name, COMMIT), "private": False, "tags": [],
            "cardData": {"license": "mit"}, "siblings": [file(*own) for own in self.repositories[name].items()],
        }  # fmt: skip
        return self.answer(json.dumps(info).encode(), Content_Type="application/json")


@contextmanager
def served(repositories: dict[str, dict[str, bytes]]) -> Iterator[str]:
    """Serve repositories; gives the address."""
    Hub.repositories, Hub.commits, Hub.damaged = repositories, {}, False
    Hub.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def limn(home: Path, hub: str, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command, in a process of its own, with a cache in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {
        "HF_HOME": str(home), "HF_ENDPOINT": hub, "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1", **more,
    }  # fmt: skip
    command = [sys.executable, "-m", "limn", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, input="n\n", check=False)
