"""The one door to a network: requests to a server that a person named, and to no other.

Nothing is followed elsewhere, nothing is read past a limit, and what a server may get over is tried again.
"""

from __future__ import annotations

import email.utils
import http.client
import ipaddress
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from limn.io.files import first_line
from limn.kernel.errors import InputError, LimnError

AGAIN: Final = (408, 429, 500, 502, 503, 504, 529)
"""Answers that may be others a little later."""

LONGEST: Final = 120.0  # seconds that are waited for one server
_PIECE: Final = 2**18


class NetworkError(LimnError):
    """A server cannot be reached, or does not answer as it should."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server answered.

    Args:
        status: 200 for what was asked for; 0 where no answer came.
        body: As it came.
        headers: By name in small letters.
        failure: Why there is no answer.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    failure: str = ""


def check_url(url: str, name: str) -> str:
    """Return an address without a slash at its end.

    Args:
        url: ``https://...``, or ``http://`` of this machine: a key must not travel in the clear.
        name: What the person named it by, for messages.

    Raises:
        InputError: If it is another kind of address, or has a password, a query or a fragment in it.
    """
    parts = urllib.parse.urlsplit(url)
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and parts.hostname
    if not plain or not (parts.scheme == "https" or (parts.scheme == "http" and _here(parts.hostname or ""))):
        raise InputError(
            f"{name}: {parts.scheme}://{parts.hostname or ''} cannot be used; give https://HOST/PATH, or http:// of "
            "this machine, without password or query"
        )
    return url.rstrip("/")


def host_of(url: str) -> str:
    """Return the host of an address, with its port where it has one.

    >>> host_of("https://example.org:8443/a")
    'example.org:8443'
    """
    return urllib.parse.urlsplit(url).netloc.rpartition("@")[2].lower()


def ask(
    url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None, timeout: float, limit: int
) -> Answer:
    """Ask a server once.

    Args:
        url: As :func:`check_url` returns it.
        body: What is sent; nothing is, and the address is only read, if None.
        headers: Sent with it.
        timeout: Seconds until a whole answer must be there.
        limit: Most bytes of an answer.
    """
    end = time.monotonic() + timeout
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}))
    try:
        try:
            answer = _opener().open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Answer(
                status=int(answer.status or 0),
                body=_read(answer, limit, end),
                headers={name.lower(): value for name, value in answer.headers.items()},
            )
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(status=0, failure=first_line(error) or type(error).__name__)


def patiently(
    once: Callable[[], Answer], *, tries: int, pause: Callable[[float], Any], hopeless: Callable[[Answer], bool]
) -> Answer:
    """Ask again what a server may get over, after the time it names, or 1, 2, 4, ... seconds.

    Args:
        once: Asks.
        tries: How often at most.
        pause: Waits some seconds.
        hopeless: Says of an answer that it will be the same again.
    """
    answer = once()
    for attempt in range(1, tries):
        wait = retry_after(answer, otherwise=2.0 ** (attempt - 1))
        if answer.status not in (0, *AGAIN) or hopeless(answer) or wait > LONGEST:
            break
        pause(wait)
        answer = once()
    return answer


def retry_after(answer: Answer, *, otherwise: float) -> float:
    """Return the seconds after which a server wants to be asked again: a number or a date of its ``Retry-After``.

    >>> retry_after(Answer(status=429, headers={"retry-after": "7"}), otherwise=1)
    7.0
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return otherwise


def _read(answer: Any, limit: int, end: float) -> bytes:
    pieces, size = [], 0
    while piece := answer.read(min(_PIECE, limit + 1 - size)):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise ValueError(f"its answer is longer than {limit:,} bytes")
        if time.monotonic() > end:
            raise TimeoutError("its answer took too long")
    if getattr(answer, "length", 0):
        raise ValueError("its answer was cut off")
    return b"".join(pieces)


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a key goes to the server that was named only."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens http and https, through the proxy of the environment, and no file."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler,
        urllib.request.HTTPHandler,
        urllib.request.HTTPSHandler,
        urllib.request.HTTPDefaultErrorHandler,
        urllib.request.HTTPErrorProcessor,
        _Stay,
    ):
        opener.add_handler(handler())
    return opener
