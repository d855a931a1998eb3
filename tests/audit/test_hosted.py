"""Pictures from an images endpoint: what comes is kept, a refusal is an answer, a key goes to its server only."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from images_server import KEY, Server, png, serving
from limn.audit import hosted
from limn.audit.folder import Folder
from limn.audit.hosted import FromEndpoint, read_model
from limn.audit.probe import Ask, Probe
from limn.audit.run import gather
from limn.audit.sources import Drawing
from limn.audit.table import Table
from limn.io.http import NetworkError
from limn.kernel.errors import InputError
from limn.store import read_record


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as server:
        yield server


def source(server: Server, **options: Any) -> FromEndpoint:
    return FromEndpoint(**{"model": "painter", "base": server.base, "key": KEY, "tries": 3, **options})


def draw(source: FromEndpoint, *prompts: str) -> list[Drawing]:
    return list(source.draw([Ask(prompt=prompt) for prompt in prompts], range(len(prompts))))


def run(source: FromEndpoint, folder: Path, prompts: Sequence[str], each: int = 1) -> Table:
    *_, table = gather(Probe(asks=tuple(Ask(prompt=p, group="g") for p in prompts), each=each), [source], [], folder)
    assert isinstance(table, Table)
    return table


def test_a_picture_comes_with_what_was_sent(server: Server, tmp_path: Path) -> None:
    table = run(source(server, sent={"size": "16x16", "quality": "low"}), tmp_path, ["a doctor", "a revised cook"])
    assert sorted(server.asked, key=str) == [
        {"model": "painter", "prompt": prompt, "n": 1, "size": "16x16", "quality": "low"}
        for prompt in ("a doctor", "a revised cook")
    ]
    for row in table.rows:
        want = Image.open(io.BytesIO(png(row.prompt)))
        assert np.array_equal(table.load(row), np.asarray(want))
    first, second = (read_record(tmp_path / row.file) for row in table.rows)
    assert (first["model"], first["prompt"], first["hosted"]["request_id"]) == ("painter", "a doctor", "req-1")
    assert second["hosted"]["revised_prompt"] == "a better prompt"
    assert KEY not in "".join(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file())


def test_a_refusal_is_an_answer_and_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    prompts = ["a cook", "a forbidden cook", "a filtered cook", "nothing"]
    for _ in range(2):
        table = run(source(server), tmp_path, prompts)
        flaws = [row.flaw for row in table.rows]
        assert flaws[0] == ""
        assert [row.refused for row in table.rows] == [False, True, True, True]
        assert flaws[1] == "refused: moderation_blocked: Your request was rejected by the safety system."
        assert flaws[2].startswith("refused: contentfilter: ")
        assert flaws[3] == "refused: CONTENT_FILTERED"
        assert len(server.asked) == 4, "the second time everything is there"
    assert Folder(tmp_path).table().account().drawn == 1


def test_more_are_asked_for_alone_and_a_stop_keeps_what_came(server: Server, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="503"):
        run(source(server), tmp_path, ["a cook", "come later", "a pilot", "a doctor"])
    assert len(server.asked) == 4
    run(source(server), tmp_path, ["a cook", "a nurse", "a pilot", "a doctor"])
    assert [sent["prompt"] for sent in server.asked[4:]] == ["a nurse"], (
        "neighbours that are there are not paid twice"
    )


def test_what_a_server_gets_over_is_asked_again(server: Server) -> None:
    drawings = draw(source(server), "a busy cook", "a cut cook")
    assert all(drawing.pixels is not None for drawing in drawings)
    assert server.times == {"a busy cook": 2, "a cut cook": 2}


@pytest.mark.parametrize(
    ("prompt", "said", "times"),
    [
        ("down", "answered 500 .it is down.; what was drawn is kept, the same command goes on", 3),
        ("poor", "answered 429 .pay first.", 1),
        ("come later", "answered 503", 1),
        ("moved", "answered 302", 1),
    ],
)
def test_what_it_does_not_get_over_stops_the_audit(server: Server, prompt: str, said: str, times: int) -> None:
    with pytest.raises(NetworkError, match=said):
        draw(source(server), prompt)
    assert server.times[prompt] == times


def test_the_key_is_told_to_nobody(server: Server) -> None:
    wrong = source(server, key="sk-wrong-one")
    with pytest.raises(NetworkError, match=r"401 \(Incorrect API key provided: \(the key\)\)") as caught:
        draw(wrong, "a cook")
    assert "sk-wrong" not in str(caught.value)
    assert "sk-wrong" not in repr(wrong) + str(wrong.settings) + wrong.name


def test_whatever_comes_is_one_line_without_the_key(server: Server) -> None:
    strange, leaks = draw(source(server), "strange", "leaks")
    assert strange.flaw == "no picture: what was answered is none (there is neither b64_json nor url)"
    assert leaks.flaw == "refused: safety: no Bearer (the key)"


def test_other_failures_count_as_failures_and_five_in_a_row_stop(server: Server, tmp_path: Path) -> None:
    odd = ["odd", "broken", "no picture", "a cook", "odd 2"]
    table = run(source(server), tmp_path, odd)
    assert [row.drawn for row in table.rows] == [False, False, False, True, False]
    assert not any(row.refused for row in table.rows)
    assert table.rows[0].flaw == "no picture: answered 400 (the prompt is too long)"
    with pytest.raises(NetworkError, match="5 answers in a row failed; the last: no picture: "):
        draw(source(server), *(f"odd {place}" for place in range(6)))


def test_addresses_of_pictures_are_fetched_where_that_is_allowed(server: Server) -> None:
    (drawing,) = draw(source(server), "fetched")
    assert drawing.pixels is not None
    assert "Authorization" not in server.headers[-1], "the key goes to the endpoint only"
    with pytest.raises(
        NetworkError, match=r"its pictures are on pictures\.example; allow that with host=pictures\.exam"
    ):
        draw(source(server), "elsewhere")


def test_answers_have_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosted, "MAX_BYTES", 50_000)
    with pytest.raises(NetworkError, match="longer than 100,000 bytes"):
        draw(source(server, tries=1), "huge")


def test_a_server_that_is_gone(server: Server) -> None:
    gone = source(server, base="http://127.0.0.1:9/v1", tries=1)
    with pytest.raises(NetworkError, match=r"at 127\.0\.0\.1:9: "):
        draw(gone, "a cook")


def test_seeds_are_sent_where_the_server_takes_them(server: Server) -> None:
    draw(source(server, seeded=True, rewrite=str.upper), "a cook")
    assert (server.asked[0]["seed"], server.asked[0]["prompt"]) == (0, "A COOK")


def test_a_model_with_its_options_is_read() -> None:
    env = {"OPENAI_BASE_URL": "http://localhost:8000/v1/", "OPENAI_API_KEY": "k"}
    one = read_model("openai:m/x,size=512x512,steps=4,price=.5,host=a.b|c.d,seeded=true,tries=2", env, batch=3)
    assert (one.model, one.base, one.price, one.host, one.seeded) == (
        "m/x",
        env["OPENAI_BASE_URL"][:-1],
        0.5,
        ("a.b", "c.d"),
        True,
    )
    assert (one.sent, one.tries, one.batch) == ({"size": "512x512", "steps": 4}, 2, 3)
    assert one.name == "openai:m/x,size=512x512,steps=4"


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("openai:m", {}, "OPENAI_API_KEY: is not set"),
        ("openai:", {"OPENAI_API_KEY": "k"}, "model: write it behind openai:"),
        ("openai:m,low", {"OPENAI_API_KEY": "k"}, "'low' has no '='"),
        ("openai:m,n=3", {"OPENAI_API_KEY": "k"}, "n is the audit's own"),
        ("openai:m,price=-1", {"OPENAI_API_KEY": "k"}, "a price from 0"),
        ("openai:m,timeout=0", {"OPENAI_API_KEY": "k"}, "timeout 1 to 3600"),
        ("openai:m,price=cheap", {"OPENAI_API_KEY": "k"}, "openai:price"),
        ("openai:m", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://api.example/v1"}, "OPENAI_BASE_URL: http"),
        ("openai:m", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "file:///etc"}, "OPENAI_BASE_URL: file"),
        ("openai:m", {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://a:b@c/v1"}, "OPENAI_BASE_URL: https://c"),
    ],
)
def test_what_cannot_be_asked_is_refused(text: str, environment: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_model(text, environment)
    assert said in str(caught.value)
    assert "a:b" not in str(caught.value)


def test_several_are_asked_at_once(server: Server) -> None:
    barrier = threading.Barrier(3, timeout=20)
    waits = source(server, batch=3, rewrite=lambda words: (barrier.wait(), words)[1])
    assert len(draw(waits, "a", "b", "c")) == 3
