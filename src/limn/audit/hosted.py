"""Pictures from a server with an OpenAI-compatible images endpoint; a refusal is an answer, and is kept like one."""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from limn.audit.probe import Ask
from limn.audit.rows import REFUSED
from limn.audit.sources import Drawing
from limn.io import http
from limn.io.http import Answer, NetworkError
from limn.io.pictures import MAX_BYTES, composite, decode
from limn.kernel.errors import DataError, InputError
from limn.kernel.options import convert, split, unquoted

PREFIX: Final = "openai:"
BASE: Final = "https://api.openai.com/v1"
OWN: Final = {"price": float, "host": tuple[str, ...], "seeded": bool, "tries": int, "timeout": float}
"""Options of the source itself; all others are sent with each request."""

Pause = Callable[[float], None]
"""Waits some seconds."""

MODERATED: Final = ("moderation", "content_policy", "contentpolicy", "content_filter", "contentfilter", "safety",
                    "responsibleai", "nsfw", "prohibited")  # fmt: skip
"""What the code of an answer has in it where the model, or what stands before it, refuses."""

SPENT: Final = ("insufficient_quota", "billing")
MOST_AT_ONCE: Final = 64
MOST_FAILED: Final = 5  # in a row; then something is wrong with all of them


@dataclass(kw_only=True, eq=False)
class FromEndpoint:
    """A model behind an OpenAI-compatible endpoint ``BASE/images/generations``.

    Args:
        model: As the server calls it.
        base: Address up to ``/images/generations``.
        key: Sent to that server only, and kept nowhere; none is sent if empty.
        sent: What each request says beside model and prompt, such as ``size`` and ``quality``.
        price: Of one picture, in the currency of the bill; None where it is not known.
        host: Further hosts from which pictures may be fetched, where the server answers with addresses.
        seeded: Whether the server takes a ``seed``; without one, equal seeds of two prompts have nothing in common.
        tries: How often a picture is asked for at most, where the server is busy or fails.
        timeout: Seconds until a whole answer must be there.
        batch: Pictures asked for at once.
        rewrite: Changes the words before they are sent, for example a normaliser; its name is recorded.
    """

    model: str
    base: str = BASE
    key: str = field(default="", repr=False)
    sent: Mapping[str, Any] = field(default_factory=dict)
    price: float | None = None
    host: tuple[str, ...] = ()
    seeded: bool = False
    tries: int = 6
    timeout: float = 180.0
    batch: int = 4
    rewrite: Callable[[str], str] | None = None
    reads_slots: bool = field(default=False, init=False)
    alone: bool = field(default=True, init=False)
    _failed: int = field(default=0, init=False)  # in a row

    def __post_init__(self) -> None:
        self.base = http.check_url(self.base, "OPENAI_BASE_URL")
        if not self.model:
            raise InputError(f"model: write it behind {PREFIX} as in {PREFIX}gpt-image-1")
        for name in ("model", "prompt", "n", "stream"):
            if name in self.sent:
                raise InputError(f"{PREFIX}{self.model}: {name} is the audit's own; leave it out")
        if not (1 <= self.tries <= 20 and 0 < self.timeout <= 3600 and (self.price or 0) >= 0):
            raise InputError(f"{PREFIX}{self.model}: give tries 1 to 20, timeout 1 to 3600 seconds, a price from 0")
        if not 1 <= self.batch <= MOST_AT_ONCE:
            raise InputError(
                f"batch: {self.batch} is not allowed here; ask for 1 to {MOST_AT_ONCE} pictures at once"
            )

    @cached_property
    def name(self) -> str:
        """Model and what is sent with it."""
        name = ",".join([PREFIX + self.model, *(f"{name}={value}" for name, value in self.sent.items())])
        return f"{name} + {self.rewrite.__name__}" if self.rewrite else name

    @property
    def hashes(self) -> Mapping[str, str]:
        """Nothing: the server may change its weights at any time."""
        return {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """Address, model and what is sent with it."""
        own = {"endpoint": self.base, "model": self.model, "sent": dict(self.sent), "seeded": self.seeded}
        return {**own, **({"rewrite": self.rewrite.__qualname__} if self.rewrite else {})}

    def draw(self, asks: Sequence[Ask], seeds: Sequence[int]) -> Iterator[Drawing]:
        """Ask for each picture, several at once; what came is given before an error is raised.

        Raises:
            NetworkError: If the key, the address or the account is refused, or several answers in a row fail.
        """
        stopped = threading.Event()
        error: NetworkError | None = None

        def pause(seconds: float) -> None:
            if stopped.wait(seconds):
                raise NetworkError(f"{self.name}: was stopped")

        with ThreadPoolExecutor(self.batch) as pool:
            jobs = [pool.submit(self._one, *asked, pause) for asked in zip(asks, seeds, strict=True)]
            for job in jobs:
                try:
                    yield self._counted(job.result())
                except NetworkError as reason:
                    stopped.set()
                    error = error or reason
                    yield Drawing(pixels=None, flaw=f"no answer: {reason}")
        if error is not None:
            raise error

    def _counted(self, drawing: Drawing) -> Drawing:
        """Raise when too many in a row failed."""
        failed = drawing.pixels is None and not drawing.flaw.startswith(REFUSED)
        self._failed = self._failed + 1 if failed else 0
        if self._failed >= MOST_FAILED:
            raise NetworkError(f"{self.name}: {self._failed} answers in a row failed; the last: {drawing.flaw}")
        return drawing

    def _one(self, ask: Ask, seed: int, pause: Pause) -> Drawing:
        prompt = self.rewrite(ask.prompt) if self.rewrite else ask.prompt
        sent = {
            "model": self.model,
            "prompt": prompt,
            "n": 1,
            **self.sent,
            **({"seed": seed} if self.seeded else {}),
        }
        body = json.dumps(sent).encode()
        answer = self._ask(f"{self.base}/images/generations", body, pause, authorised=True)
        content = _parsed(answer)
        hosted = {"endpoint": self.base, "sent": sent, "request_id": answer.headers.get("x-request-id", "")}
        record = {"prompt": prompt, "model": self.model, "hosted": hosted}
        why = _refusal(answer, content)
        if why:
            return Drawing(pixels=None, flaw=f"{REFUSED}{self._without_key(why)}", record=record)
        if answer.status != 200:
            return Drawing(pixels=None, flaw=f"no picture: {self._problem(answer, content)}", record=record)
        item = next(iter(_items(content)), {})
        hosted |= {"revised_prompt": str(item["revised_prompt"])} if item.get("revised_prompt") else {}
        try:
            return Drawing(pixels=_pixels(self._picture(item, pause)), record=record)
        except (DataError, binascii.Error) as error:
            return Drawing(pixels=None, flaw=f"no picture: what was answered is none ({error})", record=record)

    def _ask(self, url: str, body: bytes | None, pause: Pause, *, authorised: bool) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"} if body else {}
        if authorised and self.key:
            headers["Authorization"] = f"Bearer {self.key}"

        def hopeless(answer: Answer) -> bool:
            return any(word in _code(_parsed(answer)) for word in SPENT)

        answer = http.patiently(
            lambda: http.ask(url, body=body, headers=headers, timeout=self.timeout, limit=2 * MAX_BYTES),
            tries=self.tries, pause=pause, hopeless=hopeless,
        )  # fmt: skip
        content = _parsed(answer)
        stops = answer.status in (0, 401, 402, 403, 404, 405, *http.AGAIN) or 300 <= answer.status < 400
        if (stops or hopeless(answer)) and not _refusal(answer, content):
            raise NetworkError(
                f"{self.name} at {http.host_of(url)}: {self._problem(answer, content)}; what was drawn is kept, the "
                "same command goes on with the rest"
            )
        return answer

    def _problem(self, answer: Answer, content: Mapping[str, Any]) -> str:
        """Say what is wrong with an answer, without the key that a server may repeat."""
        reason = _told(content)
        return self._without_key(answer.failure or f"answered {answer.status}" + (f" ({reason})" if reason else ""))

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "(the key)") if self.key else text

    def _picture(self, item: Mapping[str, Any], pause: Pause) -> bytes:
        """Return the file of a picture, fetched where only its address was answered."""
        if isinstance(item.get("b64_json"), str):
            return base64.b64decode(item["b64_json"], validate=True)
        url = item.get("url")
        if not isinstance(url, str):
            raise DataError("there is neither b64_json nor url")
        host = http.host_of(url)
        if host not in (http.host_of(self.base), *self.host):
            raise NetworkError(
                f"{self.name}: its pictures are on {host}; allow that with host={host} behind the model, or ask for "
                "the picture itself with response_format=b64_json"
            )
        try:
            http.check_url(url.partition("?")[0], "the address of a picture")
        except InputError as error:
            raise NetworkError(f"{self.name}: {error}") from None
        answer = self._ask(url, None, pause, authorised=False)
        if answer.status != 200:
            raise DataError(f"its address answered {answer.status}")
        return answer.body


def read_model(text: str, environment: Mapping[str, str], *, batch: int | None = None) -> FromEndpoint:
    """Return the source that ``openai:MODEL,option=value,...`` names.

    Args:
        text: Options are those of :class:`FromEndpoint` or go with each request, as ``size=1024x1024``.
        environment: ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY`` are read.
        batch: Pictures asked for at once; the source's own number if None.

    Raises:
        InputError: If an option cannot be read, or a server elsewhere is to be asked without a key.

    >>> source = read_model("openai:gpt-image-1,quality=low,price=0.011", {"OPENAI_API_KEY": "k"})
    >>> source.name, source.price, source.base
    ('openai:gpt-image-1,quality=low', 0.011, 'https://api.openai.com/v1')
    """
    model, *items = split(text.removeprefix(PREFIX)) or [""]
    own: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals:
            raise InputError(f"{text}: write {PREFIX}MODEL,option=value; {item!r} has no '='")
        if name in OWN:
            own[name] = convert(f"{PREFIX}{name}", value, OWN[name])
        else:
            sent[name] = _scalar(unquoted(value))
    base, key = environment.get("OPENAI_BASE_URL") or BASE, environment.get("OPENAI_API_KEY") or ""
    if base.startswith("https:") and not key:
        raise InputError("OPENAI_API_KEY: is not set; put the key of the server there")
    own |= {"batch": batch} if batch else {}
    return FromEndpoint(model=model.strip(), base=base, key=key, sent=sent, **own)


def _scalar(text: str) -> Any:
    """Return a number, true, false or null as JSON has it, or else text."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if not isinstance(value, list | dict) else text


def _parsed(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _error(content: Mapping[str, Any]) -> Mapping[str, Any]:
    error = content.get("error")
    return error if isinstance(error, Mapping) else {"message": error} if error else {}


def _told(content: Mapping[str, Any]) -> str:
    """Return an error's words, in one line that is not long."""
    return " ".join(str(_error(content).get("message") or "").split())[:200]


def _items(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = content.get("data")
    return [item for item in data if isinstance(item, Mapping)] if isinstance(data, list) else []


def _code(content: Mapping[str, Any]) -> str:
    """Return the codes of an error, of what is inside it too, in small letters."""
    error = _error(content)
    inner = error.get("inner_error") or error.get("innererror")
    inner = inner if isinstance(inner, Mapping) else {}
    return " ".join(str(part.get(name) or "") for part in (error, inner) for name in ("code", "type")).lower()


def _refusal(answer: Answer, content: Mapping[str, Any]) -> str:
    """Return why no picture was given where that was a decision about what was asked; otherwise nothing."""
    code, reason = _code(content), _told(content)
    if answer.status in (400, 403, 422, 451):
        moderated = (
            any(word in code for word in MODERATED) or "safety system" in reason or "content policy" in reason
        )
        return f"{code.split()[0] if code.split() else answer.status}: {reason}" if moderated else ""
    if answer.status != 200 or not isinstance(content.get("data"), list):
        return ""
    items = _items(content)
    if any(item.get("b64_json") or item.get("url") for item in items):
        return ""
    reasons = [str(item[name]) for item in items for name in ("finish_reason", "error", "message") if item.get(name)]
    return "; ".join(reasons)[:200] or "answered without a picture"


def _pixels(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return composite(np.asarray(decode(data, name="the answer")))
