from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import toys
from limn import models
from limn.store import Store, read_record

LOAD = models.load
TOYS = Path(toys.__file__)


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("limn-runs/runs/*/*/0*.png"))}


def test_the_last_lines_on_stdout_are_the_files(limn) -> None:
    result = limn("generate", "a red heart", "a cat", "-n", 2, "--grid")
    assert result.code == 0
    files = [Path(line) for line in result.lines]
    assert [path.name for path in files] == [
        "0000-a-red-heart.png",
        "0001-a-red-heart.png",
        "0002-a-cat.png",
        "0003-a-cat.png",
        "grid.png",
    ]
    assert not files[0].is_absolute()
    assert [read_record(path)["seed"] for path in files[:4]] == [0, 1, 0, 1]
    with Image.open(files[-1]) as sheet:
        assert sheet.size == (2 * 16 + 2, 2 * 16 + 2)
    assert "drew 4 in" in result.err


def test_the_picture_is_the_one_that_python_draws(limn) -> None:
    path = limn(
        "generate", "a red heart", "--seed", 5, "--scale", 3, "--negative", "blurry", "--sampler", "ddim:eta=1"
    ).lines[0]
    guidance = ["classifier_free:scale=3,against=blurry"]
    alone = toys.toy().generate("a red heart", seed=5, guidance=guidance, sampler="ddim:eta=1")[0]
    with Image.open(path) as image:
        assert (np.asarray(image) == alone.pixels).all()


def test_json_says_everything_and_is_alone_on_stdout(limn) -> None:
    result = limn(
        "generate",
        "a cat",
        "--json",
        "--size",
        "16x24",
        "--steps",
        2,
        "--style",
        "flat",
        "--grid",
        "--show",
        "--explain",
    )
    (run,) = json.loads(result.out)["runs"]
    (picture,) = run["pictures"]
    assert (picture["prompt"], picture["seed"], run["failed"], run["kept"]) == ("a cat, flat style", 0, [], 0)
    with Image.open(picture["path"]) as image:
        assert image.size == (16, 24)
    assert Path(run["grid"]).exists()
    request = read_record(picture["path"])["request"]
    assert (request["steps"], request["width"], request["height"]) == (2, 16, 24)
    assert "colours cannot be shown here" in result.err


def test_explain_counts_what_was_asked(limn) -> None:
    result = limn("generate", "a cat", "a dog", "--explain")
    assert "4 forwards over 4 steps answered 16 rows" in result.err
    table = [line.split() for line in result.err.splitlines() if line.startswith(("main", "null"))]
    assert [row[-1] for row in table] == ["1-4", "1-4"]
    off = limn("generate", "a cat", "--scale", 1, "--explain")
    assert "4 forwards over 4 steps answered 4 rows" in off.err
    again = limn("generate", "a cat", "--scale", 1, "--explain")
    assert "nothing was asked" in again.err


def test_a_guidance_takes_the_place_of_the_models_own(limn) -> None:
    path = limn("generate", "a cat", "--guide", "classifier_free:scale=5").lines[0]
    assert [each["scale"] for each in read_record(Path(path))["request"]["guidance"]] == [5.0]


def test_the_same_command_draws_nothing_twice(limn, tmp_path) -> None:
    first = limn("generate", "a cat", "-n", 3)
    before = pictures(tmp_path)
    second = limn("generate", "a cat", "-n", 3)
    assert first.lines == second.lines
    assert pictures(tmp_path) == before
    assert "drew 0" in second.err
    assert "3 existed" in second.err


def test_lines_of_a_file_may_have_their_own_seed_and_negative(limn, tmp_path) -> None:
    rows = [{"prompt": "a cat", "seed": 3}, {"prompt": "a dog"}, {"prompt": "a cow", "seed": 3, "negative": "horns"}]
    (tmp_path / "p.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    runs = json.loads(limn("generate", "--prompts-file", "p.jsonl", "--seed", 9, "--json").out)["runs"]
    found = {
        each["prompt"]: (each["seed"], read_record(each["path"])["negative"])
        for run in runs
        for each in run["pictures"]
    }
    assert found == {"a cat": (3, ""), "a dog": (9, ""), "a cow": (3, "horns")}


def test_a_picture_that_must_not_be_trusted_is_not_saved(limn, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", lambda *_, **__: toys.toy(broken="a cat"))
    result = limn("generate", "a dog", "a cat", "a cow")
    assert result.code == 1
    assert [Path(line).name for line in result.lines] == ["0000-a-dog.png", "0002-a-cow.png"]
    assert "picture 1 ('a cat', seed 0) was not saved" in result.err
    monkeypatch.setattr(models, "load", toys.load)
    mended = limn("generate", "a dog", "a cat", "a cow")
    assert mended.code == 0
    assert len(mended.lines) == 3
    assert "2 existed" in mended.err


def test_stopping_keeps_what_is_done_and_the_same_command_goes_on(limn, monkeypatch, tmp_path) -> None:
    whole = limn("generate", "a cat", "-n", 12, "--no-sign")  # a signature is another one each time
    expected = pictures(tmp_path)
    shutil.rmtree(tmp_path / "limn-runs")
    calls = []

    class Stopped(toys.Gaussian):
        def __call__(self, *arguments):  # type: ignore[no-untyped-def]
            calls.append(1)
            if len(calls) == 11:  # in the third batch of four pictures and four steps
                raise KeyboardInterrupt
            return super().__call__(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(toys, "Gaussian", Stopped)
        stopped = limn("generate", "a cat", "-n", 12, "--no-sign")
    assert stopped.code == 130
    assert "8 of 12 pictures are kept" in stopped.err
    assert "the same command goes on" in stopped.err
    on = limn("generate", "a cat", "-n", 12, "--no-sign")
    assert "8 existed" in on.err
    assert on.lines == whole.lines
    assert pictures(tmp_path) == expected


BAD = [
    (["generate", ""], "empty"),
    (["generate", " \t"], "empty"),
    (["generate", "x" * 1_000_000], "20,000"),
    (["generate", "a\x00b"], "NUL"),
    (["generate", "a\ud800b"], "half a character"),
    (["generate", "a cat", "--negative", "a\ud800b"], "half a character"),
    (["generate"], "none given"),
    (["generate", "a cat", "-n", "0"], "n: 0"),
    (["generate", "a cat", "-n", "-1"], "n: -1"),
    (["generate", "a cat", "-n", "1000000000"], "1000000"),
    (["generate", "a cat", "--seed", "-1"], "seed: -1"),
    (["generate", "a cat", "--seed", str(2**63)], "seed"),
    (["generate", "a cat", "--steps", "0"], "steps: 0"),
    (["generate", "a cat", "--steps", "-3"], "steps: -3"),
    (["generate", "a cat", "--steps", "1000000000"], "steps"),
    (["generate", "a cat", "--scale", "-1"], "scale: -1"),
    (["generate", "a cat", "--scale", "nan"], "scale: nan"),
    (["generate", "a cat", "--scale", "inf"], "scale: inf"),
    (["generate", "a cat", "--scale", "1e9"], "scale"),
    (["generate", "a cat", "--size", "0"], "size"),
    (["generate", "a cat", "--size", "-64"], "size"),
    (["generate", "a cat", "--size", "nan"], "size"),
    (["generate", "a cat", "--size", "100000"], "size"),
    (["generate", "a cat", "--size", "17"], "multiple of 8"),
    (["generate", "a cat", "--size", "16x17"], "multiple of 8"),
    (["generate", "a cat", "--batch", "0"], "batch: 0"),
    (["generate", "a cat", "--device", "gpu"], "choose from: cpu"),
    (["generate", "a cat", "--device", "cuda:99"], "choose from: cpu"),
    (["generate", "a cat", "--device", "meta"], "holds no values"),
    (["generate", "a cat", "--threads", "0"], "--threads"),
    (["generate", "a cat", "--style", "flatt"], "did you mean 'flat'"),
    (["generate", "a cat", "--sampler", "dimm"], "did you mean 'ddim'"),
    (["generate", "a cat", "--sampler", "ddim:eto=1"], "did you mean 'eta'"),
    (["generate", "a cat", "--sampler", "ddim:eta=nan"], "eta"),
    (["generate", "a cat", "--guide", "clasifier_free"], "did you mean 'classifier_free'"),
    (["generate", "a cat", "--guide", "classifier_free:scale"], "no '='"),
    (["generate", "a cat", "--prompts-file", "none.txt"], "not both"),
    (["generate", "--prompts-file", "none.txt"], "none.txt"),
    (["generate", "a cat", "--out", "file"], "file"),
    (["generate", "a cat", "--out", "file/below"], "file"),
]


@pytest.mark.parametrize(
    ("arguments", "said"), BAD, ids=[" ".join(each)[:50].encode("ascii", "replace").decode() for each, _ in BAD]
)
def test_bad_input_is_one_line_and_code_2(limn, tmp_path, arguments, said) -> None:
    (tmp_path / "file").write_text("")
    result = limn(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("limn: error: ")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert len(result.err) < 500
    assert pictures(tmp_path) == {}


def test_an_unknown_model_is_named_with_the_nearest(limn, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(models, "load", LOAD)
    monkeypatch.setattr(models, "names", lambda: ["emoji", "shapes"])
    result = limn("generate", "a cat", "--model", "emojy")
    assert result.code == 2
    assert result.err == "limn: error: unknown model 'emojy'; did you mean 'emoji'? known: emoji, shapes\n"
    (tmp_path / "m").mkdir()
    empty = limn("generate", "a cat", "--model", "m")
    assert empty.code == 2
    assert "config.json" in empty.err
    (tmp_path / "m.ckpt").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    pickled = limn("generate", "a cat", "--model", "m.ckpt")
    assert pickled.code == 2
    assert not (tmp_path / "owned").exists()
    assert pickled.err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_found_before_the_model_is_loaded(limn, monkeypatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the model was loaded")

    monkeypatch.setattr(models, "load", never)
    result = limn("generate", "a cat", "--out", "/proc/limn-runs")
    assert result.code in (1, 2)
    assert result.err.startswith("limn: error: /proc/limn-runs")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 10**6, 10**6))
    full = limn("generate", "a cat", "-n", 1000)
    assert full.code == 1
    assert "are needed and 1 MB are free" in full.err


def test_a_prompt_cannot_speak_to_the_terminal(limn, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", lambda *_, **__: toys.toy(broken="\x1b[2J[red]x"))
    result = limn("generate", "\x1b[2J[red]x", "--explain")
    assert "\x1b" not in result.err
    assert "\\x1b[2J[red]x" in result.err


def test_threads_are_used_and_recorded(limn) -> None:
    before = torch.get_num_threads()
    try:
        path = limn("generate", "a cat", "--threads", 1).lines[0]
        assert read_record(Path(path))["circumstances"]["threads"] == 1
    finally:
        torch.set_num_threads(before)


def start(folder: Path, *arguments: str, delay: float) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TOY_DELAY": str(delay)}
    command = [sys.executable, str(TOYS), "generate", *arguments, "--threads", "1", "--json"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_killed_in_the_middle_of_200_pictures_loses_and_doubles_nothing(limn, tmp_path) -> None:
    process = start(tmp_path, "a cat", "-n", "200", delay=0.01)
    deadline = time.monotonic() + 200
    while len(pictures(tmp_path)) < 20 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("limn-runs/runs/*/*/0*.png")}
    assert 20 <= len(kept) < 200
    (run,) = json.loads(limn("generate", "a cat", "-n", 200, "--threads", 1, "--json").out)["runs"]
    assert run["kept"] == len(kept)
    assert [each["index"] for each in run["pictures"]] == list(range(200))
    assert len(pictures(tmp_path)) == 200
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items())
    whole = toys.toy().generate("a cat", n=200)
    for drawn, saved in zip(whole, run["pictures"], strict=True):
        with Image.open(saved["path"]) as image:
            assert (np.asarray(image) == drawn.pixels).all()
    assert Store(tmp_path / "limn-runs").repair().damages == ()


@pytest.mark.slow
def test_two_processes_share_one_store(tmp_path) -> None:
    both = [start(tmp_path, "a cat", "-n", "12", delay=0.005) for _ in range(2)]
    runs = [json.loads(process.communicate()[0])["runs"][0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(len(run["pictures"]) - run["kept"] for run in runs) == 12
    assert len(pictures(tmp_path)) == 12
    assert [info.drawn for info in Store(tmp_path / "limn-runs").runs()] == [12]


def test_a_negative_prompt_that_is_never_asked_is_told(limn) -> None:
    for scale in ("0", "1"):
        assert (
            "'blurry' was never asked: guidance is off"
            in limn("generate", f"a cat {scale}", "--negative", "blurry", "--scale", scale, "--steps", 2).err
        )
    assert "never asked" not in limn("generate", "a cat", "--negative", "blurry", "--scale", 2, "--steps", 2).err
