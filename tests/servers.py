"""A server in this process, with the toy in place of the models, and clients of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

import toys
from limn.server.app import create
from limn.server.security import Access, Limits
from limn.server.sockets import bound, settings
from limn.store import Store

TOKEN = "a token of the tests"


@dataclass(frozen=True)
class Served:
    url: str
    root: Path
    app: Any

    def client(self, **more: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=60, **more)

    def finished(self, job: str, client: httpx.Client, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told: dict[str, Any] = client.get(f"/api/jobs/{job}").json()
            if told["state"] not in ("waiting", "running"):
                return told
            time.sleep(0.02)
        raise AssertionError(f"{job} did not end: {told}")


@contextmanager
def served(
    root: Path,
    *,
    delay: float = 0.0,
    limits: Limits | None = None,
    load: Any = None,
    head: float = 10.0,
    own: Sequence[str] = (),
) -> Iterator[Served]:
    """Serve a store until the block ends."""
    import uvicorn

    socket = bound("127.0.0.1", 0)
    port = socket.getsockname()[1]
    app = create(
        Store(root),
        Access.of(TOKEN, "127.0.0.1", port),
        limits=limits,
        load=load or partial(load_toy, delay),
        own=own,
    )
    server = uvicorn.Server(settings(app, head=head))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    end = time.monotonic() + 60
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    assert server.started
    try:
        yield Served(f"http://127.0.0.1:{port}", root, app)
    finally:
        server.should_exit = True
        thread.join(20)
        socket.close()


def load_toy(delay: float, name: str, device: str = "cpu") -> Any:
    generator = toys.toy(delay=delay)
    generator.name = name
    return generator
