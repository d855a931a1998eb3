"""An images endpoint on this machine that answers as hosted ones do, well and badly, by words of the prompt."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

KEY = "sk-of-the-test"


def png(prompt: str, mode: str = "RGB") -> bytes:
    """A picture of one colour that the prompt decides."""
    buffer = io.BytesIO()
    colour = tuple(hashlib.sha256(prompt.encode()).digest()[:3])
    Image.new("RGB", (16, 16), colour).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


class Server(ThreadingHTTPServer):
    """Keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: Counter[str] = Counter()
        self.base = f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.headers.append({"url": self.path, **self.headers})
        self.send(200, png("fetched"))

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(content)
        self.server.headers.append({"url": self.path, **self.headers})
        prompt, error = content["prompt"], {"code": None, "type": "server_error", "message": "it is down"}
        self.server.times[prompt] += 1
        again = self.server.times[prompt] > 1
        picture = {"b64_json": base64.b64encode(png(prompt)).decode()}
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            wrong = f"Incorrect API key provided: {self.headers.get('Authorization', '')[7:]}"
            self.send(401, {"error": {"code": "invalid_api_key", "message": wrong}})
        elif "forbidden" in prompt:
            refusal = {"code": "moderation_blocked", "type": "image_generation_user_error", "param": None}
            self.send(400, {"error": {**refusal, "message": "Your request was rejected by the safety system."}})
        elif "filtered" in prompt:
            inner = {"code": "ResponsibleAIPolicyViolation"}
            self.send(400, {"error": {"code": "contentFilter", "message": "filtered", "inner_error": inner}})
        elif "nothing" in prompt:
            self.send(200, {"created": 1, "data": [{"finish_reason": "CONTENT_FILTERED"}]})
        elif "busy" in prompt and not again:
            self.send(429, {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}, {"Retry-After": "0"})
        elif "poor" in prompt:
            self.send(429, {"error": {"code": "insufficient_quota", "message": "pay first"}}, {"Retry-After": "0"})
        elif "later" in prompt:
            self.send(503, {"error": error}, {"Retry-After": "86400"})
        elif "down" in prompt:
            self.send(500, {"error": error}, {"Retry-After": "0"})
        elif "cut" in prompt and not again:
            self.send(200, b'{"data": [', {"Content-Length": "1000"})
        elif "moved" in prompt:
            self.send(302, b"", {"Location": "http://127.0.0.1:9/v1"})
        elif "odd" in prompt:
            self.send(400, {"error": {"code": "string_above_max_length", "message": "the prompt is too long"}})
        elif "broken" in prompt:
            self.send(200, {"data": [{"b64_json": "not base64!"}]})
        elif "no picture" in prompt:
            self.send(200, {"data": [{"b64_json": base64.b64encode(b"text").decode()}]})
        elif "elsewhere" in prompt:
            self.send(200, {"data": [{"url": "https://pictures.example/1.png?signature=1"}]})
        elif "fetched" in prompt:
            self.send(200, {"data": [{"url": f"{self.server.base}/1.png?signature=1"}]})
        elif "revised" in prompt:
            self.send(200, {"data": [{**picture, "revised_prompt": "a better prompt"}]})
        elif "strange" in prompt:
            self.send(200, {"data": 5, "error": ["x"]})
        elif "leaks" in prompt:
            self.send(400, {"error": {"code": "safety", "message": f"no\n{self.headers['Authorization']}"}})
        elif "huge" in prompt:
            self.send(200, b"x" * 200_000)
        else:
            self.send(200, {"created": 1, "data": [picture]}, {"x-request-id": "req-1"})

    def send(self, status: int, content: bytes | dict[str, Any], headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[Server]:
    """Serve until the block ends."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
