"""Requests over the network: how long to wait, when to stop, and where a key may go."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from limn.io.http import LONGEST, Answer, check_url, host_of, patiently, retry_after
from limn.kernel.errors import InputError


@pytest.mark.parametrize("url", ["https://api.example/v1", "http://127.0.0.1:80/v1", "http://[::1]:8/a"])
def test_addresses_that_may_be_asked(url: str) -> None:
    assert check_url(url, "BASE") == check_url(f"{url}/", "BASE") == url


@pytest.mark.parametrize(
    "url",
    ["http://api.example/v1", "http://127.0.0.1.example/", "ftp://api.example", "file:///etc/passwd", "api.example",
     "", "https://user:word@api.example",
     "https://api.example/?a=b", "https://api.example/#a", "http://10.0.0.1/"],
)  # fmt: skip
def test_addresses_that_may_not(url: str) -> None:
    with pytest.raises(InputError, match=r"^BASE: ") as caught:
        check_url(url, "BASE")
    assert "word" not in str(caught.value).partition("cannot")[0]


def test_hosts() -> None:
    assert host_of("https://User:secret@Api.Example:8443/v1?x") == "api.example:8443"


def test_how_long_a_server_wants_to_be_left_alone() -> None:
    def wait(text: str) -> float:
        return retry_after(Answer(status=429, headers={"retry-after": text}), otherwise=3.0)

    assert (wait("0"), wait("1.5"), wait(" 7 ")) == (0.0, 1.5, 7.0)
    assert wait(formatdate(time.time() + 60)) == pytest.approx(60, abs=5)
    assert wait(formatdate(time.time() - 60)) == 0.0
    assert [wait(text) for text in ("", "soon", "nan", "inf", "-1")] == [3.0] * 5


def test_what_may_be_otherwise_later_is_asked_again() -> None:
    waits: list[float] = []

    def tried(*answers: Answer, tries: int = 5) -> Answer:
        waits.clear()
        left = iter(answers)
        return patiently(lambda: next(left), tries=tries, pause=waits.append, hopeless=lambda one: one.body == b"no")

    busy, gone, good = Answer(status=503), Answer(status=0, failure="gone"), Answer(status=200)
    assert tried(busy, gone, good) == good
    assert waits == [1.0, 2.0]
    assert tried(*[busy] * 4, busy, good) == busy
    assert waits == [1.0, 2.0, 4.0, 8.0]
    assert tried(Answer(status=429, headers={"retry-after": "9"}), good) == good
    assert waits == [9.0]
    for last in (Answer(status=400), Answer(status=401), Answer(status=429, body=b"no"),
                 Answer(status=429, headers={"retry-after": str(LONGEST + 1)})):  # fmt: skip
        assert tried(last, good) == last
        assert waits == []
