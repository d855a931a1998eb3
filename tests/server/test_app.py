"""The server as its clients see it: jobs, pictures, errors."""

from __future__ import annotations

import json
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.server import drawing
from limn.server.security import Limits
from limn.store import Store, read_record
from servers import served


def test_a_job_draws_what_generate_draws(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        answer = client.post("/api/jobs", json={"prompts": ["a cat", "a dog"], "n": 2, "seed": 3})
        assert answer.status_code == 202
        job = server.finished(answer.json()["id"], client)
        assert job["state"] == "done", job
        pictures = job["result"]["pictures"]
        assert [one["index"] for one in pictures] == [0, 1, 2, 3]
        data = client.get(f"/api/pictures/{pictures[3]['key']}/3").content
        told = client.get(f"/api/pictures/{pictures[3]['key']}/3/record").json()
        (run,) = client.get("/api/runs", params={"search": "dog"}).json()
    assert (told["seed"], told["prompt"]) == (4, {"text": "a dog"})
    assert run["pictures"] == [2, 3]  # those of the prompt that has the word
    assert run["prompts"] == ["a dog", "a dog"]
    assert Store(tmp_path).find(pictures[0]["key"]).finished
    (tmp_path / "copy.png").write_bytes(data)
    assert read_record(tmp_path / "copy.png", whole=True)["key"] == pictures[0]["key"]


def test_events_tell_steps_guesses_and_the_end(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.05) as server, server.client() as client:
        job = client.post("/api/jobs", json={"prompts": ["a cat"], "partial": 2, "steps": 6}).json()["id"]
        with client.stream("GET", f"/api/jobs/{job}/events") as stream:
            events = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]
    assert events[-1]["ended"]
    assert events[-1]["state"] == "done"
    assert len(events[-1]["result"]["pictures"]) == 1
    assert sum("preview" in event for event in events) <= 2
    assert any(event.get("step") for event in events)


def test_a_job_is_waited_for_in_one_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> str:
        raise AssertionError("nobody looks at guesses")

    monkeypatch.setattr(drawing, "preview", never)
    with served(tmp_path, delay=0.2) as server, server.client() as client:
        job = client.post("/api/jobs", json={"prompts": ["a cat"], "steps": 8}).json()["id"]
        assert client.get(f"/api/jobs/{job}?wait=0.1").json()["state"] in ("waiting", "running")
        assert client.get(f"/api/jobs/{job}?wait=30").json()["state"] == "done"
        answer = client.post("/v1/images/generations", json={"prompt": "a cat", "model": "emoji", "size": "24x16"})
        assert answer.status_code == 200, answer.text


def test_cancelling_stops_within_a_step_and_the_next_job_goes_on(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.3) as server, server.client() as client:
        first = client.post("/api/jobs", json={"prompts": ["a cat"], "steps": 1000}).json()["id"]
        second = client.post("/api/jobs", json={"prompts": ["a dog"], "steps": 1}).json()["id"]
        third = client.post("/api/jobs", json={"prompts": ["a cow"], "steps": 1}).json()["id"]
        assert client.delete(f"/api/jobs/{third}").json()["state"] == "cancelled"
        assert client.get(f"/api/jobs/{second}").json()["ahead"] == 1
        client.delete(f"/api/jobs/{first}")
        assert server.finished(first, client, 20)["state"] == "cancelled"
        assert server.finished(second, client)["state"] == "done"
        assert client.get(f"/api/jobs/{third}").json()["result"] == {}
        for name in (first, third):
            assert client.get(f"/api/jobs/{name}?wait=30").json()["state"] == "cancelled"
        assert client.get(f"/api/jobs/{first}?wait=-1").status_code == 422


def test_jobs_change_places(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.3) as server, server.client() as client:
        names = [
            client.post("/api/jobs", json={"prompts": [f"a {word}"], "steps": 900}).json()["id"] for word in "abcd"
        ]
        after = client.post(f"/api/jobs/{names[3]}/place", json={"place": 0}).json()
        waiting = [job["id"] for job in after if job["state"] == "waiting"]
        assert [name for name in waiting if name != names[0]] == [names[3], names[1], names[2]]
        for name in names:
            client.delete(f"/api/jobs/{name}")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 10**9}, "steps"),
        ({"n": -1}, "n:"),
        ({"size": "512x"}, "size"),
        ({"size": "13"}, "size"),
        ({"size": "1000000000"}, "size"),
        ({"scale": "NaN"}, "scale"),
        ({"seed": 2**63}, "seed"),
        ({"sampler": "nope"}, "nope"),
        ({"guide": ["nope"]}, "nope"),
        ({"guide": ["image:picture=/etc/passwd"]}, "passwd"),
        ({"guide": ["image:picture=limn:../../etc/passwd"]}, "passwd"),
        ({"guide": [f"image:picture=upload:{'0' * 64}"]}, "upload"),
        ({"regions": "/etc/passwd", "region": ["#ff0000=a cat"]}, "passwd"),
        ({"adapter": ["/etc/passwd"]}, "adapter"),
        ({"adapter": ["../x"]}, "adapter"),
        ({"model": "/etc"}, "model"),
        ({"model": "../../x"}, "model"),
        ({"edit": {"picture": "0" * 64}}, "upload"),
        ({"prompts": []}, "prompts"),
        ({"prompts": ["a\0b"]}, "NUL"),
        ({"prompts": ["__../../etc/passwd__ {a|b}"], "n": 10**9}, "n:"),
        ({"prompts": ["__nope__"]}, "wildcard"),
        ({"grid_x": "guide=image:picture=/etc/passwd"}, "grid"),
        ({"nope": 1}, "nope"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(hostile, change: dict[str, object], words: str) -> None:  # type: ignore[no-untyped-def]
    answer = hostile.post("/api/jobs", json={"prompts": ["a cat"], **change})
    assert answer.status_code in (404, 422), answer.text
    assert words in answer.json()["error"]["message"]
    assert "\n" not in answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with served(tmp_path_factory.mktemp("hostile")) as server, server.client() as client:
        yield client


def test_a_full_queue_says_when_to_come_again(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.5, limits=Limits(wait=2)) as server, server.client() as client:
        answers = [client.post("/api/jobs", json={"prompts": [f"a {k}"], "steps": 1000}) for k in range(5)]
        assert [answer.status_code for answer in answers].count(429) >= 2
        assert int(answers[-1].headers["retry-after"]) > 0
        for answer in answers:
            if answer.status_code == 202:
                client.delete(f"/api/jobs/{answer.json()['id']}")


def test_an_edit_keeps_what_is_outside_its_box(tmp_path: Path) -> None:
    ground = np.full((16, 16, 3), 90, np.uint8)
    buffer = BytesIO()
    Image.fromarray(ground).save(buffer, "PNG")
    with served(tmp_path) as server, server.client() as client:
        name = client.post("/api/uploads", files={"file": ("a.png", buffer.getvalue(), "image/png")}).json()["id"]
        form = {"prompts": ["a cat"], "edit": {"picture": name, "box": "0.5,0,1,1"}}
        job = server.finished(client.post("/api/jobs", json=form).json()["id"], client)
        assert job["state"] == "done", job
        drawn = client.get(f"/api/pictures/{job['result']['pictures'][0]['key']}/0").content
    pixels = np.asarray(Image.open(BytesIO(drawn)))
    assert (pixels[:, :8] == 90).all()
    assert (pixels[:, 8:] != 90).any()


def test_pictures_are_compared_replayed_packed_and_put_into_the_bin(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        jobs = [client.post("/api/jobs", json={"prompts": ["a cat"], "seed": seed}).json()["id"] for seed in (1, 2)]
        keys = [server.finished(job, client)["result"]["pictures"][0]["key"] for job in jobs]
        places = [{"key": key, "index": 0} for key in keys]
        told = client.post("/api/differences", json=places).json()
        assert {"what": "request.seed", "first": 1, "second": 2} in told
        packed = zipfile.ZipFile(BytesIO(client.post("/api/export", json={"pictures": places}).content))
        assert len(packed.namelist()) == 2
        again = server.finished(client.post("/api/replays", json=places[0]).json()["id"], client)
        assert again["result"]["same"] is True
        bin_ = client.delete(f"/api/pictures/{keys[0]}/0").json()["bin"]
        assert (tmp_path / bin_).is_file()
        assert [run["key"] for run in client.get("/api/runs").json()] == [keys[1]]
        for name, day, count in (("since", "2020-01-01", 1), ("until", "2020-01-01", 0), ("since", "9999-01-01", 0)):
            assert len(client.get("/api/runs", params={name: day}).json()) == count
        assert client.get("/api/runs", params={"since": "yesterday"}).status_code == 422
        assert client.get(f"/api/pictures/{keys[0]}/0").status_code == 404


def test_a_grid_is_one_sheet(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        form = {"prompts": ["a cat"], "grid_x": "seed=1,2", "grid_y": "steps=2,4"}
        job = server.finished(client.post("/api/jobs", json=form).json()["id"], client)
        assert len(job["result"]["pictures"]) == 4, job
        assert client.get(f"/api/grids/{job['result']['grid']}").headers["content-type"] == "image/png"


def test_cost_is_told_before_anything_is_drawn(tmp_path: Path) -> None:
    with served(tmp_path) as server, server.client() as client:
        told = client.post("/api/explain", json={"prompts": ["a cat"], "negative": "fog", "scale": 3}).json()
        assert (told["forwards"], told["rows"], told["steps"]) == (1, 2, 4)
        assert client.get("/api/runs").json() == []


@pytest.mark.slow
def test_fifty_clients_lose_and_double_nothing(tmp_path: Path) -> None:
    names: list[str] = []

    def ask(seed: int) -> None:
        with server.client() as client:
            names.append(
                client.post("/api/jobs", json={"prompts": ["a cat"], "seed": seed, "steps": 1}).json()["id"]
            )

    with served(tmp_path) as server, server.client() as client:
        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        keys = {server.finished(name, client)["result"]["pictures"][0]["key"] for name in names}
    assert len(set(names)) == len(keys) == 50
    assert len(list(tmp_path.glob("runs/*/*/*.png"))) == 50
