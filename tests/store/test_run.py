from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from limn.kernel.errors import InputError, StoreError
from limn.store import Store, read_record
from limn.store.run import slug


def test_a_saved_picture_has_its_pixels_and_its_record(store, ask, paint):
    key, request = ask("a red heart", n=8)
    path = store.open(key, request).save(7, paint(3), {"prompt": "a red heart", "seed": 7})
    assert path.name == "0007-a-red-heart.png"
    with Image.open(path) as image:
        assert (np.asarray(image) == paint(3)).all()
    assert read_record(path) == {
        "schema": 1, "key": key, "index": 7, "prompt": "a red heart", "seed": 7, "request": request,
    }  # fmt: skip


def test_the_same_picture_gives_the_same_bytes(tmp_path, ask, paint):
    files = [
        Store(tmp_path / name).open(*ask("heart")).save(0, paint(), {"prompt": "heart"}) for name in ("one", "two")
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_long_request_is_not_carried_by_every_picture(store, ask, paint):
    key, request = ask(*["words " * 20] * 1000)
    path = store.open(key, request).save(0, paint(), {"prompt": "words"})
    assert "request" not in read_record(path)
    assert path.stat().st_size < 10_000
    assert store.load(key).request == request


def test_what_the_record_says_of_the_run_cannot_be_forged(store, ask, paint):
    key, request = ask("heart", n=2)
    record = {"key": "other", "index": 9, "schema": 9, "request": {"own": 1}}
    found = read_record(store.open(key, request).save(1, paint(), record))
    assert (found["key"], found["index"], found["schema"], found["request"]) == (key, 1, 1, {"own": 1})


@pytest.mark.parametrize("index", [-1, 4, 10**30, True, 1.0, "1", None, "../../x"])
def test_an_index_outside_the_request_is_refused(store, ask, paint, index):
    run = store.open(*ask("heart", "star", n=2))
    with pytest.raises(InputError, match="index"):
        run.save(index, paint(), {})
    assert run.done() == set()


def test_a_numpy_index_is_a_number(store, ask, paint):
    run = store.open(*ask("heart", n=2))
    run.save(np.int64(1), paint(), {})
    assert run.done() == {1}


@pytest.mark.parametrize(
    ("record", "word"),
    [({"x": float("nan")}, "JSON"), ({"x": b"bytes"}, "JSON"), ({"x": "a" * 11_000_000}, "10 MB")],
)
def test_a_record_that_cannot_be_kept_is_refused(store, ask, paint, record, word):
    run = store.open(*ask("heart"))
    with pytest.raises(InputError, match=word):
        run.save(0, paint(), record)
    with pytest.raises(InputError, match="JSON"):
        run.finish({"x": float("inf")})
    assert sorted(each.name for each in run.folder.iterdir()) == [".lock", "request.json"]


def test_finish_notes_what_drew_the_pictures(store, ask, paint):
    key, request = ask("heart", "star", n=2)
    with store.open(key, request) as run:
        paths = [run.save(index, paint(index), {"prompt": "x"}) for index in (3, 0)]
        assert run.record is None
        run.finish({"device": "cpu", "threads": 2, "seconds": 1.5, "key": "forged"})
    record = store.load(key).record
    assert record["key"] == key
    assert record["request"] == request
    assert (record["device"], record["threads"], record["seconds"]) == ("cpu", 2, 1.5)
    assert record["versions"].keys() >= {"python", "numpy", "pillow"}
    assert record["missing"] == [1, 2]
    assert record["pictures"] == [
        {
            "index": index,
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for index, path in ((0, paths[1]), (3, paths[0]))
    ]
    assert not store.runs()[0].finished


@pytest.mark.parametrize("place", [0, 20, 200, -30, -1])
def test_a_damaged_picture_counts_as_not_drawn_and_is_kept_when_drawn_again(store, ask, paint, place):
    run = store.open(*ask("heart", n=2))
    path = run.save(0, paint(), {"prompt": "heart"})
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[place] ^= 4
    path.write_bytes(damaged)
    assert run.done() == set()
    run.save(0, paint(), {"prompt": "heart"})
    assert run.done() == {0}
    assert path.read_bytes() == whole
    assert [each.read_bytes() for each in (store.root / "quarantine").rglob("*.png")] == [damaged]


def test_every_cut_of_a_picture_is_seen(store, ask, paint):
    run = store.open(*ask("heart"))
    path = run.save(0, paint(side=8), {"prompt": "heart"})
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 13), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert run.done() == set()
    path.write_bytes(whole + b"\0")
    assert run.done() == set()
    path.write_bytes(whole)
    assert run.done() == {0}


def test_pictures_of_other_runs_places_and_names_do_not_count(store, ask, paint):
    run, other = store.open(*ask("heart", n=3)), store.open(*ask("star", n=3))
    ours, foreign = run.save(0, paint(), {}), other.save(1, paint(), {})
    (run.folder / "0001.png").write_bytes(foreign.read_bytes())
    (run.folder / "0002.png").write_bytes(ours.read_bytes())
    (run.folder / "notes.png").write_bytes(ours.read_bytes())
    (run.folder / "0002-x.txt").write_bytes(ours.read_bytes())
    assert run.pictures() == {0: ours}


def test_a_picture_under_another_name_is_replaced_not_doubled(store, ask, paint):
    run = store.open(*ask("heart"))
    run.save(0, paint(), {"prompt": "one name"})
    path = run.save(0, paint(), {"prompt": "another"})
    assert run.pictures() == {0: path}
    assert [each.name for each in run.folder.glob("*.png")] == ["0000-another.png"]


def test_a_damaged_request_is_written_again(store, ask, paint):
    key, request = ask("heart")
    run = store.open(key, request)
    run.save(0, paint(), {})
    path = run.folder / "request.json"
    for damage in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, path.read_bytes().replace(b"heart", b"heard")):
        path.write_bytes(damage)
        with pytest.raises(StoreError, match="is damaged"):
            store.load(key)
        assert store.open(key, request).done() == {0}
        assert store.load(key).request == request
    assert len(list((store.root / "quarantine" / key).iterdir())) == 6


def test_a_request_of_a_newer_limn_is_not_touched(store, ask):
    key, request = ask("heart")
    path = store.open(key, request).folder / "request.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    newer = path.read_bytes()
    for use in (lambda: store.load(key), lambda: store.open(key, request)):
        with pytest.raises(StoreError, match="update limn"):
            use()
    assert path.read_bytes() == newer
    assert "update limn" in store.runs()[0].problem
    store.repair()
    assert path.read_bytes() == newer


@given(st.text(alphabet=st.characters()))
def test_any_prompt_makes_a_safe_file_name(text):
    name = slug(text)
    assert len(name) <= 49
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name == "" or (name[0] == "-" and name[-1] != "-")
    assert name[-3:] not in [f"-x{factor}" for factor in range(2, 9)]  # which larger copies end in


@pytest.mark.parametrize("text", ["x4", "a car x4", "a car X4 x2", "a" * 45 + " x4 model", "a car x9"])
def test_larger_copies_are_not_taken_for_pictures_whatever_the_prompt(store, ask, paint, text):
    run = store.open(*ask(text))
    path = run.save(0, paint(), {"prompt": text})
    copy = path.with_name(f"{path.stem}-x4.png")
    copy.write_bytes(path.read_bytes())
    assert run.pictures() == {0: path}
    run.save(0, paint(), {"prompt": text})
    assert copy.exists()


@pytest.mark.parametrize("text", ["../../etc/passwd", "CON", "a" * 20_000, "\0", "😀", "C:\\x", "%2e%2e%2f", ""])
def test_no_prompt_leads_out_of_the_folder(store, ask, paint, text):
    run = store.open(*ask(text))
    path = run.save(0, paint(), {"prompt": text})
    assert path.parent == run.folder
    assert run.done() == {0}
    assert read_record(path)["prompt"] == text


def test_one_writer_at_a_time_and_readers_always(store, ask, paint):
    key, request = ask("heart", n=2)
    with store.open(key, request) as run:
        run.save(0, paint(), {})
        other = Store(store.root).open(key, request, wait=0.05)
        assert other.done() == {0}
        assert store.runs()[0].drawn == 1
        for write in (lambda: other.save(1, paint(), {}), lambda: other.finish({}), other.__enter__):
            with pytest.raises(StoreError, match="at work on it; wait until it ends or stop it"):
                write()
    with other:
        other.save(1, paint(), {})
        with other:
            other.finish({})
    assert run.done() == {0, 1}


def test_a_waiting_writer_gets_its_turn(store, ask, paint):
    import threading

    key, request = ask("heart", n=2)
    with store.open(key, request) as first:
        second = store.open(key, request, wait=30)
        thread = threading.Thread(target=second.save, args=(1, paint(), {}))
        thread.start()
        first.save(0, paint(), {})
        assert first.done() == {0}
    thread.join(timeout=30)
    assert first.done() == {0, 1}
