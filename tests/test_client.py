"""The small client against a running server."""

from __future__ import annotations

from pathlib import Path

import pytest

from limn.client import Client
from limn.kernel.errors import InputError, LimnError
from limn.store import read_record
from servers import TOKEN, served


def test_draws_into_a_folder(tmp_path: Path) -> None:
    with served(tmp_path / "store") as server:
        client = Client(server.url, TOKEN)
        paths = client.draw("a cat", seed=4, n=2, folder=tmp_path / "cats")
        assert [read_record(path)["seed"] for path in paths] == [4, 5]
        with pytest.raises(LimnError, match="steps"):
            client.draw("a cat", steps=0)
        with pytest.raises(LimnError, match="token"):
            Client(server.url, "another").get("/api/runs")
    with pytest.raises(LimnError):
        client.get("/api/runs")
    with pytest.raises(InputError, match="url"):
        Client("http://example.org", TOKEN)
