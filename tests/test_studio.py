from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import toys
from limn import models, studio
from limn.guidance.classifier_free import ClassifierFree
from limn.kernel.errors import InputError, StoreError
from limn.kernel.generator import Progress
from limn.kernel.guidance import Guidance
from limn.models.environment import facts
from limn.store import Store, read_record
from limn.studio.facts import differences


def paths(events: list[studio.Event]) -> list[Path]:
    return [event.path for event in events if isinstance(event, studio.Drawn | studio.Kept)]


def test_events_come_in_order_and_say_what_happened(tmp_path: Path) -> None:
    generator = toys.toy()
    request = generator.request(["a cat", "a dog"], n=3)
    events = list(studio.generate(generator, request, Store(tmp_path)))
    kinds = [type(event) for event in events if not isinstance(event, Progress)]
    assert kinds == [studio.Started, *[studio.Drawn] * 6, studio.Finished]
    started, finished = events[0], events[-1]
    assert isinstance(started, studio.Started)
    assert isinstance(finished, studio.Finished)
    assert (started.total, started.kept) == (6, 0)
    assert (finished.drawn, finished.kept, finished.failed) == (6, 0, 0)
    steps = [event for event in events if isinstance(event, Progress)]
    assert [event.step for event in steps] == [1, 2, 3, 4] * 2


def test_leaving_the_loop_keeps_what_was_drawn_and_frees_the_run(tmp_path: Path) -> None:
    generator = toys.toy(batch=2)
    request, store = generator.request("a cat", n=6), Store(tmp_path)
    for event in studio.generate(generator, request, store):
        if isinstance(event, studio.Drawn) and event.picture.item.index == 2:
            break
    events = list(studio.generate(generator, request, store))
    assert sum(isinstance(event, studio.Kept) for event in events) == 3
    drawn = [event.picture.item.index for event in events if isinstance(event, studio.Drawn)]
    assert drawn == [3, 4, 5]
    for path, alone in zip(paths(events), generator.generate("a cat", n=6), strict=True):
        with Image.open(path) as image:
            assert (np.asarray(image) == alone.pixels).all()


def test_a_whole_run_asks_nothing_of_the_model_and_keeps_its_record(tmp_path: Path) -> None:
    generator = toys.toy()
    request, store = generator.request("a cat"), Store(tmp_path)
    list(studio.generate(generator, request, store))
    before = store.load(request.key()).record
    asked = len(generator.stages[0].encoder.asked)
    events = list(studio.generate(generator, request, store))
    assert [type(event) for event in events] == [studio.Started, studio.Kept, studio.Finished]
    assert len(generator.stages[0].encoder.asked) == asked
    assert store.load(request.key()).record == before


def test_a_run_killed_before_its_record_gets_a_whole_one(tmp_path: Path) -> None:
    generator, store = toys.toy(), Store(tmp_path)
    request = generator.request("a cat", n=2)
    records = []
    for _ in range(2):
        *_, last = studio.generate(generator, request, store)
        folder = last.folder  # type: ignore[union-attr]
        records.append(json.loads((folder / "record.json").read_text()))
        (folder / "record.json").unlink()
    assert records[0].keys() == records[1].keys()
    assert records[0]["device"] == records[1]["device"]


def test_the_record_says_what_decided_the_picture(tmp_path: Path) -> None:
    generator = toys.toy()
    request = generator.request("a cat", n=6, seed=3, guidance=["classifier_free:scale=3,against=blurry"])
    last = paths(list(studio.generate(generator, request, Store(tmp_path))))[-1]
    record = read_record(last)
    assert record["request"] == request.record()
    assert (record["index"], record["seed"], record["prompt"], record["negative"]) == (
        5,
        8,
        {"text": "a cat"},
        "blurry",
    )
    assert record["batch"] == {"size": 4, "pictures": [4, 5], "decoded": "together"}
    now = record["circumstances"]
    assert now["threads"] == torch.get_num_threads()
    assert now["versions"]["torch"] == torch.__version__
    assert now["device"].startswith("cpu ")
    assert set(now) >= {"versions", "platform", "device", "threads"}
    with Image.open(last) as image:
        assert "Negative prompt: blurry" in image.text["parameters"]


def test_the_same_run_writes_the_same_bytes(tmp_path: Path) -> None:
    request = toys.toy().request("a cat", n=2)
    files = [paths(list(studio.generate(toys.toy(), request, Store(tmp_path / name)))) for name in ("one", "two")]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]


def test_a_broken_picture_is_told_and_not_saved(tmp_path: Path) -> None:
    generator = toys.toy(broken="a dog")
    request, store = generator.request(["a cat", "a dog"]), Store(tmp_path)
    events = list(studio.generate(generator, request, store))
    (failed,) = [event for event in events if isinstance(event, studio.Failed)]
    assert failed.picture.item.index == 1
    assert len(paths(events)) == 1
    record = store.load(request.key()).record
    assert record is not None
    assert (record["failed"], record["missing"]) == (1, [1])


def test_room_on_the_disk_is_asked_before_drawing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    generator = toys.toy()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 0, 2 * 10**7))
    list(studio.generate(generator, generator.request("a cat"), Store(tmp_path)))
    with pytest.raises(StoreError, match="are needed and 20 MB are free"):
        next(studio.generate(generator, generator.request("a cat", n=10_000), Store(tmp_path)))


@pytest.mark.parametrize("batch", [0, -1, 10**9])
def test_batches_that_are_not_allowed(tmp_path: Path, batch: int) -> None:
    generator = toys.toy()
    with pytest.raises(InputError, match="batch"):
        next(studio.generate(generator, generator.request("a cat"), Store(tmp_path), batch=batch))


def test_guidances_are_the_models_own_changed_as_asked() -> None:
    generator = toys.toy()

    def guidances(**given: object) -> tuple[Guidance, ...] | None:
        return generator.request("a cat", **given).guidance

    assert guidances() == (ClassifierFree(scale=2),)
    assert guidances(scale=3, negative="blurry") == (ClassifierFree(scale=3, against="blurry"),)
    extra = guidances(negative="blurry", guide=["classifier_free:scale=5,drop=image"])
    assert extra == (ClassifierFree(scale=5, against="blurry", drop="image"),)
    assert guidances(guidance=[]) == ()
    generator.guidance = ()
    assert guidances() == ()
    assert guidances(scale=4) == (ClassifierFree(scale=4),)


@pytest.mark.parametrize("batch", [1, 3, 4])
def test_replay_repeats_any_picture_of_any_batch(tmp_path: Path, batch: int) -> None:
    generator = toys.toy()
    request = generator.request(["a cat", "a dog"], n=4)
    for path in paths(list(studio.generate(generator, request, Store(tmp_path), batch=batch))):
        *steps, last = studio.replay(path, toys.load)
        assert isinstance(last, studio.Replay)
        assert (last.same, last.largest, last.changed, last.causes) == (True, 0, 0, ())
        assert len(steps) == 4


def test_replay_finds_a_model_that_has_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toys.toy()
    (path,) = paths(list(studio.generate(generator, generator.request("a cat"), Store(tmp_path))))
    monkeypatch.undo()
    with pytest.raises(InputError, match="unknown model 'toy'"):
        list(studio.replay(path, models.load))
    asked = []

    def load(name: str, *, device: str):  # type: ignore[no-untyped-def]
        asked.append((name, device))
        return toys.toy()

    list(studio.replay(path, load, model="elsewhere", device="cpu"))
    assert asked == [("elsewhere", "cpu")]


def test_circumstances_that_differ_are_said_in_words() -> None:
    now = facts()
    assert differences(now, now) == ()
    other = {**now, "threads": 99, "versions": {**now["versions"], "torch": "1.0"}}
    assert differences(other, now) == (
        f"threads was 99 and is {now['threads']}",
        f"torch was 1.0 and is {torch.__version__}",
    )
    assert "device was unknown" in differences({}, now)[0]
