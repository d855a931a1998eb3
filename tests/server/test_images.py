"""The official client of OpenAI's API, unchanged, against the images door."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from limn.store import read_record
from servers import TOKEN, Served, served

Client = openai.OpenAI


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("store"), delay=0.02) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Served) -> Iterator[Client]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key=TOKEN, max_retries=0) as made:
        yield made


def picture(packed: str | None) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(packed or "")))


def test_generations(client: Client, tmp_path: Path) -> None:
    more = {"seed": 3, "steps": 2, "guidance": 3.5, "negative_prompt": "fog"}
    answer = client.images.generate(prompt="a cat", model="emoji", n=2, size="24x16", extra_body=more)
    assert answer.data is not None
    assert len(answer.data) == 2
    assert picture(answer.data[0].b64_json).size == (24, 16)
    (tmp_path / "a.png").write_bytes(base64.b64decode(answer.data[1].b64_json or ""))
    record = read_record(tmp_path / "a.png")
    request = record["request"]
    assert (record["seed"], request["steps"], record["negative"]) == (4, 2, "fog")
    assert request["guidance"][0]["scale"] == 3.5


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_formats(client: Client, kind: Any) -> None:
    answer = client.images.generate(prompt="a cat", output_format=kind, output_compression=80, quality="low")
    assert answer.data is not None
    drawn = picture(answer.data[0].b64_json)
    assert (drawn.format or "").lower() == kind
    assert answer.output_format == kind
    text = drawn.info.get("xmp", drawn.info.get("XML:com.adobe.xmp", b""))
    assert "trainedAlgorithmicMedia" in (text if isinstance(text, str) else text.decode())


def test_edits(client: Client) -> None:
    ground, mask = np.full((16, 16, 3), 90, np.uint8), np.full((16, 16, 4), 255, np.uint8)
    mask[:, 8:, 3] = 0
    files = []
    for pixels in (ground, mask):
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "PNG")
        files.append(("a.png", buffer.getvalue(), "image/png"))
    answer = client.images.edit(image=files[0], mask=files[1], prompt="a cat", n=1)
    assert answer.data is not None
    drawn = np.asarray(picture(answer.data[0].b64_json))
    assert (drawn[:, :8] == 90).all()
    assert (drawn[:, 8:] != 90).any()
    with pytest.raises(openai.BadRequestError, match="transparency"):
        client.images.edit(image=files[0], mask=files[0], prompt="a cat")


def test_streams_with_partial_pictures(client: Client) -> None:
    events = list(client.images.generate(prompt="a dog", stream=True, partial_images=2, extra_body={"steps": 8}))
    kinds = [event.type for event in events]
    assert kinds[-1] == "image_generation.completed"
    assert set(kinds[:-1]) <= {"image_generation.partial_image"}
    assert [event.partial_image_index for event in events[:-1]] == list(range(len(events) - 1))  # type: ignore[union-attr]
    assert len(events) > 1
    assert all(picture(event.b64_json).size == (16, 16) for event in events)


def test_streams_of_edits(client: Client) -> None:
    buffer = BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "PNG")
    events = list(client.images.edit(image=("a.png", buffer.getvalue(), "image/png"), prompt="a dog", stream=True))
    assert [event.type for event in events] == ["image_edit.completed"]


def test_models(client: Client) -> None:
    assert "emoji" in [model.id for model in client.models.list()]
    assert client.models.retrieve("emoji").owned_by == "limn"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nope")


def test_errors_have_the_shape_that_clients_read(client: Client, server: Served) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(prompt="a cat", size="13x13")  # type: ignore[call-overload]
    assert caught.value.param == "size"
    assert caught.value.type == "invalid_request_error"
    with pytest.raises(openai.BadRequestError, match="n"):
        client.images.generate(prompt="a cat", n=11)
    with pytest.raises(openai.BadRequestError, match="transparent"):
        client.images.generate(prompt="a cat", background="transparent")
    with pytest.raises(openai.BadRequestError, match="not here"):
        client.images.generate(prompt="a cat", model="nope")
    with (
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong") as other,
        pytest.raises(openai.AuthenticationError),
    ):
        other.models.list()


def test_what_limn_has_no_use_for_is_named(server: Served) -> None:
    with server.client() as client:
        form = {"prompt": "a cat", "user": "me", "moderation": "low", "model": "gpt-image-1"}
        answer = client.post("/v1/images/generations", json=form)
        assert answer.headers["x-limn-unused"] == "user, moderation, model"
        assert answer.headers["x-limn-model"] == "emoji"


def test_a_client_that_goes_stops_the_work(tmp_path: Path) -> None:
    with served(tmp_path, delay=0.2) as server, server.client() as client:
        form = {"prompt": "a cat", "steps": 1000, "stream": True, "partial_images": 3}
        with client.stream("POST", "/v1/images/generations", json=form) as stream:
            assert stream.status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            client.post("/v1/images/generations", json={"prompt": "a dog", "steps": 1000}, timeout=1)
        for job in client.get("/api/jobs").json():
            assert server.finished(job["id"], client, 30)["state"] == "cancelled"
