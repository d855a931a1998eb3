from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import toys
from limn import models
from limn.store import read_record, write_png


@pytest.fixture
def drawn(limn) -> list[Path]:
    """Six pictures: a batch of four and one of two."""
    return [Path(line) for line in limn("generate", "a cat", "a [b]dog[/b]", "-n", 3).lines]


def test_list_shows_runs_newest_first(limn, drawn) -> None:
    limn("generate", "a cow")
    lines = limn("runs", "list").lines
    assert len(lines) == 3
    assert lines[1].split()[3:] == ["toy", "1/1", "a", "cow"]
    assert len(limn("runs", "list", "--limit", 1).lines) == 2
    assert [each["total"] for each in json.loads(limn("runs", "list", "--search", "dog", "--json").out)] == [6]


def test_list_without_a_store_says_so(limn) -> None:
    result = limn("runs", "list", "--out", "nowhere")
    assert result.code == 2
    assert "nowhere: no store is here" in result.err
    assert not Path("nowhere").exists()


def test_show_prints_the_record_of_a_run_or_a_picture(limn, drawn) -> None:
    assert json.loads(limn("runs", "show", drawn[1]).out) == read_record(drawn[1])
    key = read_record(drawn[0])["key"]
    assert json.loads(limn("runs", "show", key[:8]).out)["key"] == key
    unknown = limn("runs", "show", "zzz")
    assert unknown.code == 2
    assert "the nearest is" in unknown.err


def test_open_prints_the_path(limn, drawn, monkeypatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert limn("runs", "open", drawn[0]).lines == [str(drawn[0])]
    key = read_record(drawn[0])["key"]
    assert Path(limn("runs", "open", key[:10]).lines[0]).resolve() == drawn[0].parent.resolve()


def test_replay_draws_the_same_picture_to_the_last_bit(limn, drawn) -> None:
    result = limn("runs", "replay", *drawn)
    assert result.code == 0
    assert [line.split(": ")[1].split(";")[0] for line in result.lines] == ["identical to the last bit"] * 6


def test_replay_says_what_differs(limn, drawn) -> None:
    with Image.open(drawn[0]) as image:
        pixels = np.array(image)
    pixels[0, 0, 0] ^= 1
    record = read_record(drawn[0])
    record["circumstances"]["device"] = "cpu of another kind"
    write_png(drawn[0], pixels, record)
    result = limn("runs", "replay", drawn[0], "--save", "again.png")
    assert result.code == 1
    assert "largest difference 1/255, in 1 of 256 pixels" in result.out
    assert "device was cpu of another kind and is cpu" in result.out
    with Image.open("again.png") as again:
        assert np.abs(np.asarray(again).astype(int) - pixels).sum() == 1


def test_replay_saves_over_a_file_by_force_only(limn, drawn) -> None:
    before = drawn[0].read_bytes()
    for target in (drawn[0], drawn[1]):
        result = limn("runs", "replay", drawn[0], "--save", target)
        assert result.code == 2
        assert "is not limn's to replace" in result.err
    assert drawn[0].read_bytes() == before
    assert limn("runs", "replay", drawn[0], "--save", drawn[1], "--force").code == 0
    assert drawn[1].read_bytes() != before


def test_replay_uses_as_many_threads_as_before(limn, drawn, monkeypatch) -> None:
    before, used = torch.get_num_threads(), []

    class Watching(toys.Gaussian):
        def __call__(self, *arguments):  # type: ignore[no-untyped-def]
            used.append(torch.get_num_threads())
            return super().__call__(*arguments)

    record = read_record(drawn[0])
    record["circumstances"]["threads"] = before + 1
    with Image.open(drawn[0]) as image:
        write_png(drawn[0], np.array(image), record)
    monkeypatch.setattr(toys, "Gaussian", Watching)
    assert limn("runs", "replay", drawn[0]).code == 0
    assert set(used) == {before + 1}
    assert torch.get_num_threads() == before


def test_replay_says_when_the_weights_are_others(limn, drawn, monkeypatch) -> None:
    def other(*_: object, **__: object):  # type: ignore[no-untyped-def]
        generator = toys.toy(spread=0.5)
        generator.weights = "f" * 64
        return generator

    monkeypatch.setattr(models, "load", other)
    result = limn("runs", "replay", drawn[0])
    assert result.code == 1
    assert f"those here are {'f' * 64}" in result.out


@pytest.mark.slow
def test_a_picture_of_a_large_run_is_replayed_from_its_folder_and_alone_elsewhere(limn, tmp_path) -> None:
    (tmp_path / "p.txt").write_text("\n".join(f"a cat number {k} {'x' * 80}" for k in range(400)))
    limn("generate", "--prompts-file", "p.txt", "--steps", 1, "--size", 8, "--batch", 100)
    path = next(tmp_path.glob("limn-runs/runs/*/*/0123*.png"))
    assert read_record(path)["request"]["prompts"] is None
    assert path.stat().st_size < 8000, "the prompts alone are 40,000 bytes"
    assert limn("runs", "replay", path).out.split(": ")[1].startswith("identical")
    moved = path.rename(tmp_path / "moved.png")
    result = limn("runs", "replay", moved)
    assert "so it was drawn alone" in result.out
    assert "identical" in result.out


@pytest.mark.parametrize(
    "change",
    [
        {"request": None},
        {"request": {"schema": 99}},
        {"index": 600},
        {"index": -1},
        {"batch": {"size": 0}},
        {"batch": {"size": 10**9}},
        {"batch": "x"},
        {"circumstances": 3, "index": "x"},
    ],
)
def test_a_changed_record_is_refused(limn, drawn, change) -> None:
    with Image.open(drawn[0]) as image:
        write_png(drawn[0], np.array(image), {**read_record(drawn[0]), **change})
    result = limn("runs", "replay", drawn[0])
    assert result.code == 2
    assert result.err.startswith("limn: error: ")
    assert result.err.count("\n") == 1


def test_a_record_that_asks_for_a_huge_picture_is_refused(limn, drawn) -> None:
    record = read_record(drawn[0])
    record["request"]["width"] = 4096
    with Image.open(drawn[0]) as image:
        write_png(drawn[0], np.array(image), record)
    result = limn("runs", "replay", drawn[0])
    assert result.code == 2
    assert "size: 4096" in result.err


def test_a_picture_of_someone_else_is_refused(limn, tmp_path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "other.png")
    result = limn("runs", "replay", "other.png")
    assert result.code == 2
    assert "no limn record" in result.err


def test_repair_reports_what_it_put_aside(limn, drawn) -> None:
    drawn[2].write_bytes(drawn[2].read_bytes()[:100])
    result = limn("runs", "repair")
    assert result.code == 0
    assert result.lines[-1].startswith("1 runs, 5 sound pictures, ")
    assert str(drawn[2].name) in result.out
    assert "drew 1 in" in limn("generate", "a cat", "a [b]dog[/b]", "-n", 3).err
