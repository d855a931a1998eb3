"""Who may ask, from where and how much: one shell around everything that the server answers.

Names of this machine only (against DNS rebinding), pages of our own only (against cross-site requests), a token that
is compared in constant time, JSON or multipart for whatever changes something, bounds on bodies, time and rate.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
OPEN: Final = ("/", "/health", "/api/session")
"""What is answered without a token: the page, which holds nothing, and the door that takes one."""

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may be asked.

    Args:
        body: Bytes of a body.
        seconds: Until a whole body must have come.
        rate: Requests a second that change something, of one client.
        burst: So many at once.
        clients: Clients that are remembered.
        wait: Jobs that wait.
    """

    body: int = 24 * 2**20
    seconds: float = 20.0
    rate: float = 20.0
    burst: int = 120
    clients: int = 1024
    wait: int = 500


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may ask.

    Args:
        token: The secret.
        hosts: Names under which this server is asked, with ports.
        cookie: Name of the cookie that holds the token in a browser.
    """

    token: str
    hosts: frozenset[str]
    cookie: str = "limn"

    @classmethod
    def of(cls, token: str, host: str, port: int) -> Access:
        """Return the access of a server at an address; a loopback one goes by all names of this machine."""
        names: Iterable[str] = LOOPBACK if host in LOOPBACK else (host,)
        hosts = {f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names}
        return cls(token=token, hosts=frozenset(hosts), cookie=f"limn-{port}")

    def knows(self, token: str) -> bool:
        """Say whether a token is the one, in constant time."""
        return hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode())


@dataclass
class Shell:
    """An ASGI application around another.

    Args:
        app: What answers what is let through.
        access: Who may ask.
        limits: How much.
    """

    app: App
    access: Access
    limits: Limits = field(default_factory=Limits)
    _buckets: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or say why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _say(_with_headers(send), scope["path"], *refusal)
            return
        pieces = _Body(receive, self.limits)

        async def answer(message: Message) -> None:
            if pieces.refusal is None or pieces.answered:
                pieces.answered = True
                await _with_headers(send)(message)

        with contextlib.suppress(_Refused):
            await self.app(scope, pieces.read, answer)
        if pieces.refusal is not None and not pieces.answered:
            await _say(_with_headers(send), scope["path"], *pieces.refusal)

    def _refusal(self, scope: MutableMapping[str, Any], headers: dict[str, str]) -> tuple[int, str] | None:
        """Return status and words where a request is not let through."""
        method, path = scope["method"], scope["path"]
        changes = method not in ("GET", "HEAD")
        if headers.get("host", "").lower() not in self.access.hosts:
            return 421, "host: this server does not go by that name; use the address that it printed"
        origin = headers.get("origin")
        if origin is not None and origin.lower().partition("://")[2] not in self.access.hosts:
            return 403, "origin: pages of other sites may not ask; use the page of this server"
        if changes and headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "origin: pages of other sites may not ask; use the page of this server"
        if "\0" in path or ".." in path.split("/") or "\\" in path:
            return 404, "path: there is no such thing"
        token = self._token(headers)
        if path not in OPEN and not path.startswith("/static/") and not self.access.knows(token):
            return 401, "token: is missing or another; send it as 'Authorization: Bearer TOKEN'"
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if method in ("POST", "PUT", "PATCH") and kind not in ("application/json", "multipart/form-data"):
            return 415, "content-type: send application/json or multipart/form-data"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.limits.body:
            return 413, f"body: more than {self.limits.body:,} bytes; send less"
        if changes and (wait := self._wait(token or str((scope.get("client") or ("",))[0]))) > 0:
            return 429, f"rate: too many requests; try again in {wait:.0f} s"
        return None

    def _token(self, headers: dict[str, str]) -> str:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self.access.cookie)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def _wait(self, client: str) -> float:
        """Take a token from a client's bucket, and return the seconds until there is one; 0 when there was."""
        now = time.monotonic()
        left, before = self._buckets.pop(client, (float(self.limits.burst), now))
        left = min(float(self.limits.burst), left + (now - before) * self.limits.rate)
        wait = 0.0 if left >= 1 else max(1.0, (1 - left) / self.limits.rate)
        self._buckets[client] = (left - (wait == 0), now)
        while len(self._buckets) > self.limits.clients:
            self._buckets.popitem(last=False)
        return wait


class _Refused(Exception):
    """A body that is not read on."""


class _Body:
    """A request's body, read no longer, and for no longer, than is allowed."""

    def __init__(self, receive: Receive, limits: Limits) -> None:
        self.receive, self.limits = receive, limits
        self.size, self.end, self.whole = 0, time.monotonic() + limits.seconds, False
        self.refusal: tuple[int, str] | None = None
        self.answered = False

    async def read(self) -> Message:
        """Return the next piece."""
        if self.whole:
            return await self.receive()  # waits for the client to go
        try:
            message = await asyncio.wait_for(self.receive(), max(0.01, self.end - time.monotonic()))
        except TimeoutError:
            self.refusal = (408, "body: came too slowly; send it again")
            raise _Refused from None
        self.size += len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.size > self.limits.body:
            self.refusal = (413, f"body: more than {self.limits.body:,} bytes; send less")
            raise _Refused
        return message


def _with_headers(send: Send) -> Send:
    """Return what sends an answer with the policy that every one has."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = {name.decode("latin-1").lower() for name, _ in message.get("headers", ())}
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name not in own]
            message = {**message, "headers": [*message.get("headers", ()), *more]}
        await send(message)

    return answer


async def _say(send: Send, path: str, status: int, words: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")] if status == 408 else [
        (b"content-type", b"application/json")
    ]  # fmt: skip
    if status == 429:
        headers.append((b"retry-after", words.rsplit(" ", 2)[-2].encode()))
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body(status, words, path)).encode()})


def body(status: int, words: str, path: str) -> dict[str, Any]:
    """Return an error as JSON: one line, in the shape that clients of OpenAI's API read where they asked.

    >>> body(404, "job: there is none", "/api/jobs/x")
    {'error': {'message': 'job: there is none', 'code': 404}}
    """
    if not path.startswith("/v1/"):
        return {"error": {"message": words, "code": status}}
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
    field_name, colon, _ = words.partition(":")
    named = field_name if colon and field_name.isidentifier() else None
    kind = "server_error" if status >= 500 else kind
    return {"error": {"message": words, "type": kind, "param": named, "code": None}}
