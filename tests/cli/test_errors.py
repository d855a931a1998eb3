"""Errors blame what is wrong, in one line; with ``--json`` they are JSON too."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limn.kernel import registry
from limn.kernel.errors import InputError
from limn.samplers.decoding import Masking, Raster
from limn.store import read_record, write_png

LONG = "x" * 300


def forged(path: Path, record: Any) -> Path:
    """A picture whose record says anything, also what limn never writes."""
    write_png(path, np.zeros((8, 8, 3), np.uint8), {})
    data, text = path.read_bytes(), b"limn\0" + json.dumps(record).encode()
    chunk = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    path.write_bytes(data[:33] + chunk + data[33:])
    return path


def check(result: Any, *said: str, code: int = 2) -> None:
    assert result.code == code, result.err
    line = result.err.splitlines()[-1]
    assert line.startswith("limn: error: ")
    assert all(word in line for word in said), line
    assert "Error:" not in line, "an internal error"


@pytest.mark.parametrize("words", [
    ["generate", "a cat", "--scale", "nan"], ["generate", "a cat", "--no-such-option"],
    ["runs", "list", "--out", "none"], ["audit", "list", "--nothing"], ["guide", "show", "none"],
    ["audit", "report", "none"],
])  # fmt: skip
def test_with_json_an_error_is_json_too(limn: Any, words: list[str]) -> None:
    plain, told = limn(*words), limn(*words, "--json")
    assert (plain.code, plain.out) == (2, "")
    assert told.err == plain.err
    error = json.loads(told.out)["error"]
    assert told.err == f"limn: error: {error['message']}\n"
    assert error["code"] == told.code == 2


def test_behind_two_dashes_json_is_a_prompt(limn: Any) -> None:
    assert limn("generate", "--steps", "0", "--", "--json").out == ""


@pytest.mark.parametrize("name", ["unmask", "next_token", "resample"])
def test_samplers_of_tokens_are_refused_by_models_of_noise(limn: Any, tmp_path: Path, name: str) -> None:
    check(limn("generate", "a cat", "--sampler", name), f"sampler {name}: draws tokens, this model denoises")
    assert not list(tmp_path.glob("limn-runs/runs/*")), "found out before a run is begun"


@pytest.mark.parametrize(("schedule", "name", "told"), [
    (Masking(), "ddim", "works on noise"), (Raster(tokens=4), "euler", "works on noise"),
    (Masking(), "next_token", "draws token by token, this model all tokens together"),
    (Raster(tokens=4), "unmask", "draws all tokens together, this model token by token"),
    (Raster(tokens=4), "resample", "draws all tokens together, this model token by token"),
])  # fmt: skip
def test_samplers_of_another_family_are_refused_by_models_of_tokens(schedule: Masking, name: str, told: str) -> None:
    with pytest.raises(InputError, match=f"sampler {name}: {told}"):
        schedule.levels(4, registry.parse("samplers", name))


@pytest.mark.parametrize("record", [
    {"a": float("nan")}, {"a": [float("inf")]}, {"request": {"sampler": {"name": "ddim", "eta": float("-inf")}}},
])  # fmt: skip
@pytest.mark.parametrize("verb", [["runs", "show"], ["runs", "replay"], ["cite"]])
def test_records_that_are_no_json_are_refused(limn: Any, tmp_path: Path, record: Any, verb: list[str]) -> None:
    check(limn(*verb, forged(tmp_path / "p.png", record)), "p.png", "cannot be read")


@pytest.mark.parametrize("request_", [
    5, [1, 2], "text", None, {"guidance": 7}, {"guidance": {"name": "cfg"}, "model": [1]},
])  # fmt: skip
def test_hostile_records_are_named(limn: Any, tmp_path: Path, request_: Any) -> None:
    path = forged(tmp_path / "p.png", {"request": request_})
    check(limn("cite", path), "p.png", "changed or damaged")
    check(limn("runs", "replay", path), "p.png", "changed or damaged")
    assert json.loads(limn("runs", "show", path).out) == {"request": request_}


def test_cite_names_parts_that_are_none_and_goes_on(limn: Any, tmp_path: Path) -> None:
    path = forged(tmp_path / "p.png", {"request": {"guidance": [7, {"name": 5}, {"name": "cfg"}], "sampler": 3}})
    result = limn("cite", path)
    assert result.code == 0
    assert result.err.count("the record has no name") == 3
    assert "ho2022classifier" in result.out


def test_a_record_that_asks_for_the_impossible_is_named_with_its_file(limn: Any, tmp_path: Path) -> None:
    drawn = Path(limn("generate", "a cat").lines[0])
    record = read_record(drawn)
    for change, told in (({"height": 60}, "size: 60"), ({"sampler": {"name": "unmask"}}, "sampler unmask")):
        path = forged(tmp_path / "p.png", {**record, "request": {**record["request"], **change}})
        check(limn("runs", "replay", path), f"{path}: its record: {told}")


@pytest.mark.parametrize("words", [
    ["generate", "a cat", "--out", LONG], ["generate", "--prompts-file", LONG], ["generate", "--request", LONG],
    ["runs", "list", "--out", LONG], ["runs", "replay", LONG], ["runs", "show", LONG], ["cite", LONG],
    ["upscale", LONG], ["edit", LONG, "a cat"], ["train", LONG], ["data", "check", LONG],
    ["data", "build", "--out", LONG],
    ["audit", "report", LONG], ["audit", "stereotypes", "--pictures", LONG], ["doctor", "--out", LONG],
    ["audit", "stereotypes", "--model", "oracle", "--out", LONG],
])  # fmt: skip
def test_very_long_names_are_said_to_be_so(limn: Any, words: list[str]) -> None:
    check(limn(*words), "the name is too long")


def test_a_judge_that_is_missing_is_found_before_drawing(limn: Any, tmp_path: Path) -> None:
    check(limn("generate", "a cat", "--rerank", 2, "--judge", "nobody"), "unknown judge 'nobody'")
    check(limn("generate", "a cat", "--judge", "judge_a"), "judge: ranks what --rerank draws")
    reader = "zero_shot:model=nobody"
    check(
        limn("audit", "stereotypes", "--model", "oracle", "--reader", reader, "--out", "a"), "unknown judge 'nobody'"
    )
    assert not list(tmp_path.glob("limn-runs/runs/*"))
    assert not (tmp_path / "a").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_result_that_cannot_be_printed_is_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "limn", "data", "list"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == "limn: error: stdout: No space left on device; the result could not be printed\n"


def test_a_closed_stdout_is_told_before_any_work(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "limn", "data", "list"]
    done = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=lambda: os.close(1)
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "limn: error: stdout is closed; give it somewhere to go, as > FILE\n"
