"""`limn audit --model openai:...` against an endpoint on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from images_server import KEY, Server, serving

EYES = """
FIELDS = {"gender": ("woman", "man", "neutral"), "tone": ("light",)}

def see(pictures):
    return [{"gender": "woman", "tone": "light"} for _ in pictures]
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    (tmp_path / "eyes.py").write_text(EYES)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base)
        yield server


AUDIT = [
    "audit",
    "stereotypes",
    "--reader",
    "own:eyes.py:see",
    "--n",
    1,
    "--model",
    "openai:a/painter,size=512x512,price=0.04",
]


def test_nothing_is_sent_before_that_is_allowed_and_costs_are_told(limn, server: Server) -> None:
    refused = limn(*AUDIT)
    assert (refused.code, refused.out) == (2, "")
    assert "would be sent over the network; add --allow-network" in refused.err
    assert not server.asked
    first = limn(*AUDIT, "--allow-network")
    assert first.code == 0
    count, asked = len({request["prompt"] for request in server.asked}), len(server.asked)
    assert asked > count, "a busy server is asked again"
    assert (
        f"openai:a/painter,size=512x512: {count:,} requests to {server.base}, {count * 0.04:,.2f} at 0.04 each"
        in first.err
    )
    assert first.lines[0].startswith("limn-runs/audits/stereotypes-openai-a-painter-size-512x512-")
    again = limn(*AUDIT)
    assert (again.code, again.lines, len(server.asked)) == (0, first.lines, asked), "what is there needs no network"
    assert f"0 requests to {server.base} ({count} were answered before)" in again.err


def test_hosted_against_local_with_refusals_on_the_page(limn, server: Server, tmp_path: Path) -> None:
    prompts = [
        "prompt,concept",
        "a cook,cook",
        "a forbidden cook,cook",
        "an odd cook,cook",
        "a pilot,pilot",
        "nothing,pilot",
    ]
    (tmp_path / "mine.csv").write_text("\n".join(prompts))
    options = [
        "--reader",
        "own:eyes.py:see",
        "--prompts",
        "mine.csv",
        "--steps",
        2,
        "--n",
        2,
        "--out",
        "a",
        "--json",
    ]
    result = limn(
        "audit", "stereotypes", "--model", "openai:painter", "--against", "toy", *options, "--allow-network"
    )
    assert result.code == 0
    assert len(server.asked) == 10
    report = json.loads(result.out)
    assert [model["name"] for model in report["models"]] == ["openai:painter", "toy"]
    assert "limn: openai:painter declined to draw 4 of 8 pictures." in result.err
    (section,) = [section for section in report["sections"] if section["title"] == "Not drawn"]
    listings = {
        part["title"]: part["rows"] for part in section["parts"] if isinstance(part, dict) and "columns" in part
    }
    assert listings["By group"] == [["openai:painter", "cook", 6, 2, 2, 2], ["openai:painter", "pilot", 4, 2, 2, 0]]
    assert ["CONTENT_FILTERED", 2] in listings["Reasons, as answered"]
    page = (tmp_path / "a" / "report.html").read_text()
    assert "moderation_blocked" in page
    assert KEY not in (tmp_path / "a" / "audit.json").read_text() + page


def test_options_that_a_server_does_not_take(limn, server: Server) -> None:
    assert "guide: openai:a/painter,size=512x512,price=0.04 takes none" in limn(*AUDIT, "--guide", "apg").err
    assert "steps: no model here takes steps" in limn(*AUDIT, "--steps", 3).err
    assert not server.asked
