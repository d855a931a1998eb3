from __future__ import annotations

import json

import pytest


@pytest.fixture
def drawn(store, ask, paint):
    """A finished run of three pictures."""
    with store.open(*ask("heart", n=3)) as run:
        for index in range(3):
            run.save(index, paint(index), {"prompt": "heart"})
        run.finish({})
    return run


def contents(store) -> list[bytes]:
    return sorted(each.read_bytes() for each in store.root.rglob("*") if each.is_file() and "index" not in each.name)


def test_a_sound_store_is_left_as_it_is(store, drawn):
    store.runs()
    before = contents(store)
    report = store.repair()
    assert (report.runs, report.pictures, report.damages, report.busy) == (1, 3, (), ())
    assert contents(store) == before


def test_damaged_and_missing_pictures_are_named_and_drawn_again(store, drawn, paint):
    pictures = drawn.pictures()
    pictures[0].write_bytes(pictures[0].read_bytes()[:-20])
    pictures[1].unlink()
    report = store.repair()
    assert report.pictures == 1
    assert {(each.path.name, each.moved is not None) for each in report.damages} == {
        ("0000-heart.png", True), ("0000-heart.png", False), ("0001-heart.png", False),
    }  # fmt: skip
    assert drawn.done() == {2}
    with drawn:
        for index in {0, 1}:
            drawn.save(index, paint(index), {"prompt": "heart"})
        drawn.finish({})
    assert store.repair().damages == ()


@pytest.mark.parametrize("damage", [None, b"", b"{}", b"\0" * 500])
def test_a_lost_request_is_restored_from_a_picture(store, drawn, damage):
    path = drawn.folder / "request.json"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    (listed,) = store.runs()
    assert "limn runs repair" in listed.problem
    assert listed.drawn == 3
    (found,) = store.repair().damages
    assert (found.path, found.moved is not None) == (path, damage is not None)
    assert store.load(drawn.key).request == drawn.request
    assert store.runs()[0].problem == ""


def test_a_request_that_no_picture_carries_is_restored_by_asking_again(store, ask, paint):
    key, request = ask(*["long words " * 10] * 1000)
    run = store.open(key, request)
    run.save(0, paint(), {})
    (run.folder / "request.json").unlink()
    (found,) = store.repair().damages
    assert "ask for the same again" in found.reason
    assert len(store.runs()) == 1
    assert store.open(key, request).done() == {0}
    assert store.runs()[0].problem == ""


@pytest.mark.parametrize("content", ["", "[]", '{"pictures": 3}', '{"pictures": [{"file": 1}]}'])
def test_a_damaged_record_is_put_aside(store, drawn, content):
    (drawn.folder / "record.json").write_text(content)
    (found,) = store.repair().damages
    assert found.moved.read_text() == content
    assert drawn.record is None
    assert drawn.done() == {0, 1, 2}


def test_a_picture_changed_since_is_named_and_kept(store, drawn, paint):
    drawn.save(1, paint(9), {"prompt": "heart"})
    (found,) = store.repair().damages
    assert "differs from the hash" in found.reason
    assert drawn.done() == {0, 1, 2}


def test_a_record_cannot_point_out_of_its_folder(store, drawn, tmp_path):
    record = json.loads((drawn.folder / "record.json").read_text())
    (tmp_path / "secret").write_text("x")
    record["pictures"][0]["file"] = "../../../../secret"
    (drawn.folder / "record.json").write_text(json.dumps(record))
    (found,) = store.repair().damages
    assert found.path == drawn.folder / "secret"


def test_a_second_picture_of_one_index_is_put_aside(store, drawn):
    twin = drawn.folder / "0001-twin.png"
    twin.write_bytes(drawn.pictures()[1].read_bytes())
    (found,) = store.repair().damages
    assert (found.path, found.moved.exists()) == (twin, True)
    assert drawn.done() == {0, 1, 2}


def test_a_run_at_work_is_left_alone(store, drawn, ask, paint):
    with store.open(*ask("star", n=2)) as busy:
        leftover = busy.folder / ".limn-0123456789abcdef.tmp"
        leftover.write_bytes(b"being written")
        report = store.repair()
        assert report.busy == (busy.key,)
        assert leftover.exists()
        busy.save(0, paint(), {})
    assert len(store.runs()) == 2
    assert store.repair().busy == ()
    assert not leftover.exists()


def test_repair_deletes_nothing_but_leftovers(store, drawn):
    for name in ("request.json", "record.json", "0000-heart.png", "0002-heart.png"):
        path = drawn.folder / name
        path.write_bytes(path.read_bytes()[:50])
    before = contents(store)
    store.repair()
    assert set(before) <= set(contents(store))
