"""Every writer meets every fault at every call: nothing is half-written or lost, and the next try succeeds."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from faulty import CODES, FAULTS, Crash, failing
from limn.audit.folder import Folder, Plan
from limn.audit.probe import Ask, Probe
from limn.audit.readers.reader import Reading
from limn.audit.rows import ReaderFacts
from limn.io.atomic import append_text, make_folder, move_aside, write_bytes, write_json, write_text
from limn.kernel.errors import LimnError
from limn.store import Store
from limn.store.record import key_of
from limn.studio.upscaling import method, upscale
from limn.train import checkpoint
from limn.train.card import write_card
from limn.train.model_folder import write_sums

REQUEST = {"schema": 1, "model": "emoji", "prompts": [{"text": "a cat"}], "n": 2, "seed": 0}
GREY = np.full((8, 8, 3), 128, np.uint8)
ASK = Ask(prompt="a cook")


def store(folder: Path) -> None:
    with Store(folder / "store").open(key_of(REQUEST), REQUEST) as run:
        for index in sorted({0, 1} - run.done()):
            run.save(index, GREY + index, {"prompt": "a cat"})
        run.finish({})


def training(folder: Path) -> None:
    make_folder(folder / "run")
    checkpoint.claim(folder / "run", [])
    for step in (1, 2):
        weights = {"weight": torch.full((4,), float(step))}
        state = dict.fromkeys(("model", "ema", "optimiser"), weights)
        checkpoint.save(folder / "run", checkpoint.Checkpoint(step=step, seconds=1.0, recipe={}, tensors=state))


def audit(folder: Path) -> None:
    home, plan = Folder(folder / "audit"), Plan(probe=Probe(asks=(ASK,)), sources=())
    home.write(plan)
    home.save("ab" * 32, GREY, {"prompt": "a cook"})
    home.write_rows((), ())
    reader = ReaderFacts(name="people", fields={"gender": ("woman",)})
    if not home.readings(reader):
        home.add_readings(reader, [("ab" * 32, Reading(values={"gender": "woman"}))])


def model_folder(folder: Path) -> None:
    make_folder(folder / "model")
    write_text(folder / "model" / "config.json", "{}\n")
    write_bytes(folder / "model" / "model.safetensors", b"weights")
    write_sums(folder / "model")
    words = ("name", "kind", "draws", "data", "licence", "network", "recipe", "training")
    write_card(
        folder / "model", {**dict.fromkeys(words, "x"), "parameters": 1, "size": 1, "papers": [], "figures": {}}
    )


def aside(folder: Path) -> None:
    if (folder / "old.txt").exists():
        move_aside(folder / "old.txt", folder / "quarantine")


WRITERS: dict[str, Callable[[Path], object]] = {
    "bytes": lambda folder: write_bytes(folder / "old.txt", [b"new" * 100, b"er"]),
    "text": lambda folder: write_text(folder / "new.txt", "new"),
    "json": lambda folder: write_json(folder / "new.json", {"new": 1}),
    "append": lambda folder: append_text(folder / "old.txt", " and new") if _first(folder) else None,
    "move aside": aside,
    "store": store,
    "training": training,
    "audit": audit,
    "model folder": model_folder,
    "upscale": lambda folder: upscale(folder / "given.png", method("lanczos")),
}


def _first(folder: Path) -> bool:
    return (folder / "old.txt").read_text() == "old"


def fresh(folder: Path) -> Path:
    folder.mkdir()
    (folder / "old.txt").write_text("old")
    (folder / "given.png").write_bytes((Path(__file__).parent / "replays" / "given.png").read_bytes())
    return folder


def files(folder: Path) -> dict[str, bytes]:
    """What lies there, but for locks, the index, and what a crash leaves under the names of no file."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    shown = [path for path in paths if not path.name.startswith((".lock", "index.sqlite", ".limn-"))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(shown)}


def whole(name: str, data: bytes, right: list[bytes]) -> bool:
    if name.endswith(".json"):
        return isinstance(json.loads(data), dict)  # it may hold times
    return data in right


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    "writer", [pytest.param(name, marks=pytest.mark.slow) if name == "store" else name for name in WRITERS]
)
def test_a_fault_at_any_call(tmp_path: Path, writer: str, fault: str) -> None:
    write, place = WRITERS[writer], fresh(tmp_path / "whole")
    before = files(place)
    with failing("none", 0) as calls:
        write(place)
    complete, total = files(place), len(calls)
    assert total > 0
    gone = {name for name in before if name not in complete}
    for number in range(total):
        folder = fresh(tmp_path / str(number))
        told: object = "went well"
        with failing(fault, number):
            try:
                write(folder)
            except Crash:
                told = "crash"
            except LimnError as error:
                told = str(error)
                assert "\n" not in told
        if fault == "short":
            assert told == "went well"
        after = files(folder)
        for name, data in after.items():
            right = [known[name] for known in (before, complete) if name in known]
            passing = writer == "training" and name not in complete and "-00000001" in name
            assert passing or whole(name, data, right), (number, name, told)
        assert before.keys() - gone <= after.keys(), (number, told)
        if fault != "crash":
            assert not list(folder.rglob(".limn-*")), (number, told)
        if writer == "training" and (folder / "run" / "checkpoint.json").exists():
            loaded = checkpoint.load(folder / "run")
            assert loaded is not None
            assert loaded.tensors["model"]["weight"][0] == loaded.step
        with failing("none", 0):
            write(folder)
        assert files(folder).keys() == complete.keys(), (number, told)


def test_the_layer_fails_as_it_should(tmp_path: Path) -> None:
    for fault, code in CODES.items():
        with failing(fault, 0), pytest.raises(OSError) as caught:
            (tmp_path / "folder").mkdir()
        assert caught.value.errno == code
