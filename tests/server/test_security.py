"""The hostile list: other names, other sites, no token, large and slow bodies, too many requests."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image, PngImagePlugin

from limn.server.security import Access, Limits
from servers import TOKEN, Served, served

FORM = {"prompts": ["a cat"], "steps": 1}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("store"), limits=Limits(body=200_000, seconds=1.0), head=1.0) as running:
        yield running


def test_a_foreign_name_is_refused(server: Served) -> None:
    for host in ("evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""):
        with server.client() as client:
            assert client.get("/api/runs", headers={"host": host}).status_code in (400, 421)


@pytest.mark.parametrize("origin", ["null", "https://evil.example", "http://127.0.0.1:1", "file://"])
def test_pages_of_other_sites_are_refused(server: Served, origin: str) -> None:
    with server.client() as client:
        assert client.post("/api/jobs", json=FORM, headers={"origin": origin}).status_code == 403
    with server.client() as client:
        assert client.post("/api/jobs", json=FORM, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_our_own_page_may_ask_with_its_cookie(server: Served) -> None:
    own = {"origin": server.url, "sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=server.url) as client:
        assert client.post("/api/jobs", json=FORM).status_code == 401
        assert client.post("/api/session", json={"token": "another"}).status_code == 401
        answer = client.post("/api/session", json={"token": TOKEN}, headers=own)
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert client.post("/api/jobs", json=FORM, headers=own).status_code == 202


def test_nothing_but_the_page_is_answered_without_the_token(server: Served) -> None:
    with httpx.Client(base_url=server.url) as client:
        assert client.get("/").status_code == 200
        for path in ("/api/runs", "/api/options", "/v1/models", "/api/openapi.json", "/api/jobs"):
            assert client.get(path).status_code == 401
        assert client.get("/api/runs", headers={"authorization": f"Bearer {TOKEN}x"}).status_code == 401
        assert client.get(f"/api/runs?token={TOKEN}").status_code == 401


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/xml"])
def test_only_json_and_multipart_change_anything(server: Served, kind: str) -> None:
    with server.client() as client:
        answer = client.post("/api/jobs", content=b'{"prompts": ["a cat"]}', headers={"content-type": kind})
        assert answer.status_code == 415
        assert client.get("/api/jobs/x/place").status_code == 405


def test_every_answer_has_a_policy(server: Served) -> None:
    with server.client() as client:
        for path in ("/", "/api/runs", "/nope"):
            headers = client.get(path).headers
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/app.py", "/static/%2e%2e%2fapp.py",
        "/static/..%5capp.py", "/static//etc/passwd", "/static/%00", "/static/C:%5cwindows",
        "/api/pictures/..%2f..%2fx/0", f"/api/pictures/{'a' * 64}/0", f"/api/pictures/{'a' * 300}/0",
        "/api/pictures/CON/0", "/api/grids/..%2f..%2fetc%2fpasswd", "/api/uploads/..%2f..%2fx", "/api/jobs/..%2fx",
    ],
)  # fmt: skip
def test_no_path_leads_out(server: Served, path: str) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as wire:  # httpx would tidy the path
        head = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += "Connection: close\r\n\r\n"
        wire.sendall(head.encode())
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert int(answer.split()[1]) in (400, 404, 422)
    assert b"root:" not in answer
    assert b"import" not in answer


def test_large_bodies_are_refused_with_and_without_a_length(server: Served) -> None:
    with server.client() as client:
        assert client.post("/api/jobs", json={"prompts": ["a" * 300_000]}).status_code == 413
        pieces = (b" " * 50_000 for _ in range(8))
        answer = client.post("/api/jobs", content=pieces, headers={"content-type": "application/json"})
        assert answer.status_code == 413


def test_slow_clients_are_let_go(server: Served) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as wire:
        wire.settimeout(15)
        wire.sendall(b"GET / HT")
        begun = time.monotonic()
        assert wire.recv(100) == b""  # closed
        assert time.monotonic() - begun < 14
    with socket.create_connection((address.hostname, address.port)) as wire:
        wire.settimeout(15)
        head = (
            f"POST /api/jobs HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
            "Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
        )
        wire.sendall(head.encode())
        assert b"408" in wire.recv(1000)


def test_too_many_requests_are_told_when_to_come_again(tmp_path: Path) -> None:
    with served(tmp_path, limits=Limits(rate=0.5, burst=3)) as server, server.client() as client:
        answers = [client.post("/api/explain", json=FORM) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert client.get("/api/jobs").status_code == 200


def test_names_of_this_machine_and_no_others() -> None:
    access = Access.of("t" * 20, "127.0.0.1", 8650)
    assert access.hosts == {"127.0.0.1:8650", "localhost:8650", "[::1]:8650"}
    assert Access.of("t" * 20, "10.0.0.7", 80).hosts == {"10.0.0.7:80"}


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


def hostile() -> dict[str, bytes]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    gif = BytesIO()
    Image.new("P", (4, 4)).save(gif, "GIF", save_all=True, append_images=[Image.new("P", (4, 4))] * 9)
    return {
        "144 megapixels": bomb(12_000, 12_000), "1 x 2^31": bomb(1, 2**31 - 1), "svg": svg, "gif": gif.getvalue(),
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n", "html": b"<html>", "empty": b"", "cut": bomb(8, 8)[:40],
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(hostile()))
def test_bombs_and_other_formats_are_refused(server: Served, name: str) -> None:
    with server.client() as client:
        answer = client.post("/api/uploads", files={"file": ("a.png", hostile()[name], "image/png")})
    assert answer.status_code == 422, answer.text


def test_what_else_a_picture_holds_is_not_kept(server: Served) -> None:
    info, buffer = PngImagePlugin.PngInfo(), BytesIO()
    info.add_text("parameters", "<script>alert(1)</script>\x1b[31m =cmd|'/c calc'!A0")
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    with server.client() as client:
        name = client.post("/api/uploads", files={"file": ("../../x\n<b>.png", buffer.getvalue())}).json()["id"]
        data = client.get(f"/api/uploads/{name}").content
    assert b"alert" not in data
    assert Image.open(BytesIO(data)).info == {}
