from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from limn.kernel.errors import InputError, StoreError
from limn.store import Store


def test_a_run_is_opened_again_with_what_it_has(store, ask, paint):
    key, request = ask("a red heart", n=2)
    run = store.open(key, request)
    run.save(0, paint(), {"prompt": "a red heart"})
    again = Store(store.root).open(key, request)
    assert again.folder == run.folder == store.root / "runs" / key[:2] / key
    assert again.done() == {0}
    assert store.load(key).request == request


def test_runs_are_listed_newest_first_with_their_counts(store, ask, paint):
    keys = []
    for text in ("first", "second", "third"):
        key, request = ask(text, "other", n=2)
        store.open(key, request).save(3, paint(), {})
        keys.append(key)
    listed = store.runs()
    assert [each.key for each in listed] == keys[::-1]
    assert [(each.prompt, each.model, each.total, each.drawn) for each in listed[:1]] == [("third", "emoji", 4, 1)]
    assert not any(each.finished or each.problem for each in listed)
    assert [each.key for each in store.runs(limit=1)] == keys[-1:]
    assert store.runs(limit=0) == []


def test_a_listing_sees_what_was_drawn_since_the_last_one(store, ask, paint):
    key, request = ask("heart", n=3)
    run = store.open(key, request)
    for index in range(3):
        run.save(index, paint(index), {})
        assert store.runs()[0].drawn == index + 1
    assert not store.runs()[0].finished
    run.finish({})
    assert store.runs()[0].finished


def test_a_removed_run_leaves_the_list(store, ask):
    run = store.open(*ask("heart"))
    assert len(store.runs()) == 1
    (run.folder / "request.json").unlink()
    (run.folder / ".lock").unlink()
    run.folder.rmdir()
    assert store.runs() == []


def test_search_wants_every_word_and_ignores_case_in_any_script(store, ask):
    for text in ("ein GRÜNES Herz", "a red heart", "зелёное СЕРДЦЕ", "100% _red_"):
        store.open(*ask(text))

    def found(search: str) -> list[str]:
        return [each.prompt for each in store.runs(search=search)]

    assert found("herz grünes") == ["ein GRÜNES Herz"]
    assert found("сердце") == ["зелёное СЕРДЦЕ"]
    assert found("red heart") == ["a red heart"]
    assert found("0% _") == ["100% _red_"]
    assert found("%") == ["100% _red_"]
    assert found("nothing") == found("\ud800") == []
    assert len(found("EMOJI")) == len(found("  ")) == 4


def test_find_by_key_picture_or_folder(store, ask, paint, tmp_path):
    key, request = ask("heart")
    run = store.open(key, request)
    picture = run.save(0, paint(), {})
    copy = tmp_path / "mine.png"
    copy.write_bytes(picture.read_bytes())
    for name in (key, key[:5], key[:9].upper(), picture, str(copy), str(run.folder)):
        assert store.find(name).key == key


def test_find_names_the_nearest(store, ask, paint, tmp_path):
    with pytest.raises(InputError, match="the store is empty"):
        store.find("ab")
    keys = [store.open(*ask(f"heart {place}")).key for place in range(40)]
    first = [key[0] for key in keys]
    shared = next(digit for digit in first if first.count(digit) > 1)
    with pytest.raises(InputError, match="more than one fits"):
        store.find(shared)
    wrong = keys[7][:8] + "z"
    with pytest.raises(InputError, match=f"nearest is {keys[7][:8]}"):
        store.find(wrong)
    for name in ("", "zz", "\ud800", "x" * 5000, "%"):
        with pytest.raises(InputError):
            store.find(name)
    other = Store(tmp_path / "other").open(*ask("heart")).save(0, paint(), {})
    with pytest.raises(InputError, match="not in"):
        store.find(other)


@pytest.mark.parametrize(
    "key", ["", "ab", "../" * 20 + "abcd", "g" * 64, "A" * 64, "a" * 63 + "\n", "a" * 65, None, 7]
)
def test_only_a_key_names_a_folder(store, ask, key):
    with pytest.raises(InputError, match="key"):
        store.open(key, ask("heart")[1])
    with pytest.raises(InputError, match="key"):
        store.load(key)
    assert list((store.root / "runs").iterdir()) == []


def test_the_key_must_be_the_requests(store, ask):
    with pytest.raises(InputError, match="not the SHA-256"):
        store.open(ask("heart")[0], ask("star")[1])
    with pytest.raises(InputError, match="does not exist"):
        store.load(ask("heart")[0])


@pytest.mark.parametrize("name", ["file", "file/below", "nul\0", "x" * 300])
def test_a_path_that_cannot_be_a_folder_is_named(tmp_path, name):
    (tmp_path / "file").write_text("here")
    with pytest.raises(
        (InputError, StoreError), match=re.escape(str(tmp_path)[:20]) if len(name) < 99 else "the name is too long"
    ):
        Store(tmp_path / name)
    assert (tmp_path / "file").read_text() == "here"


def test_a_file_instead_of_the_runs_folder_is_named(tmp_path):
    (tmp_path / "runs").write_text("here")
    with pytest.raises(InputError, match="not a folder"):
        Store(tmp_path)


READ_ONLY = """
import os, sys
from pathlib import Path
from limn.kernel.errors import StoreError
from limn.store import Store
folder = Path(sys.argv[1])
Store(folder)
for each in (folder, folder / "runs"):
    each.chmod(0o555)
if os.getuid() == 0:
    os.setuid(65534)
try:
    Store(folder)
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_folder_without_permission_is_refused_before_drawing(python, tmp_path):
    import tempfile

    # A folder of its own: another user cannot look into the folders that pytest makes.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        answer, errors = python(READ_ONLY, Path(folder) / "store").communicate(timeout=60)
    assert "no permission" in answer, errors
    assert "choose another folder" in answer


def test_a_relative_store_stays_where_it_was_made(tmp_path, ask, paint, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store(Path("mine"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.open(*ask("heart")).save(0, paint(), {})
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert store.runs()[0].folder.is_relative_to(tmp_path / "mine")


def test_the_store_starts_without_torch_numpy_or_pillow(python, tmp_path):
    code = "import sys, limn.store; limn.store.Store(sys.argv[1]).runs(); print(*sys.modules)"
    loaded, errors = python(code, tmp_path).communicate(timeout=60)
    assert errors == ""
    assert {"torch", "numpy", "PIL"}.isdisjoint(loaded.split())


def test_files_obey_the_umask(store, ask, paint):
    before = os.umask(0o027)
    try:
        picture = store.open(*ask("heart")).save(0, paint(), {})
    finally:
        os.umask(before)
    if sys.platform != "win32":
        assert picture.stat().st_mode & 0o777 == 0o640


def test_the_index_is_readable_by_the_sqlite_tool_meanwhile(store, ask):
    import contextlib
    import sqlite3

    store.open(*ask("heart"))
    store.runs()
    with contextlib.closing(sqlite3.connect(store.root / "index.sqlite")) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        store.open(*ask("star"))
        assert len(store.runs()) == 2
        assert reader.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
