"""A store that was received may hold links; nothing outside is read as a run, moved, cut or written over."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from limn.kernel.errors import LimnError, StoreError
from limn.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs links that anyone may make")


@pytest.fixture
def drawn(store, ask, paint):
    """The folder of a finished run."""
    key, request = ask("heart", n=2)
    with store.open(key, request) as run:
        for index in range(2):
            run.save(index, paint(index), {"prompt": "heart"})
        run.finish({})
    return run.folder


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("depth", [0, 1])
def test_a_linked_folder_is_left_out_and_told(store, drawn, tmp_path, depth):
    place = [drawn, drawn.parent][depth]
    outside = tmp_path / "outside"
    shutil.move(place, outside)
    (next(outside.rglob("0000-heart.png"))).write_bytes(b"not a picture")
    before = content(outside)
    place.symlink_to(outside)
    assert store.runs() == []
    assert store.linked() == [place]
    report = store.repair()
    assert [(damage.path, damage.moved) for damage in report.damages] == [(place, None)]
    assert "is a link" in report.damages[0].reason
    assert content(outside) == before


@pytest.mark.parametrize("name", [".lock", "index.sqlite", "index.sqlite-wal", ".probe", "RUN/.lock"])
def test_what_a_link_leads_to_is_never_cut(store, drawn, tmp_path, name):
    path = store.root / name if "/" not in name else drawn / ".lock"
    mine = tmp_path / "mine"
    mine.write_text("mine")
    path.unlink(missing_ok=True)
    path.symlink_to(mine)
    assert [info.drawn for info in Store(store.root, write=False).runs()] == [2]
    for use in (store.runs, store.repair):
        with contextlib.suppress(LimnError):
            use()
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["record.json", "request.json", "0000-heart.png"])
def test_a_linked_file_of_a_run_is_replaced_and_not_followed(store, drawn, ask, paint, tmp_path, name):
    mine = tmp_path / "mine"
    mine.write_text("mine")
    (drawn / name).unlink()
    (drawn / name).symlink_to(mine)
    store.repair()
    key, request = ask("heart", n=2)
    with store.open(key, request) as run:
        run.save(0, paint(), {"prompt": "heart"})
        run.finish({})
    assert mine.read_text() == "mine"
    assert run.done() == {0, 1}
    assert not any(path.is_symlink() for path in drawn.iterdir())


def test_a_linked_quarantine_takes_nothing(store, drawn, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (store.root / "quarantine").symlink_to(outside)
    (drawn / "0000-heart.png").write_bytes(b"not a picture")
    with pytest.raises(StoreError, match="quarantine: is a link, which limn does not follow"):
        store.repair()
    assert list(outside.iterdir()) == []


READ = """
import os, sys
from pathlib import Path
from limn.store import Store
if os.getuid() == 0:
    os.setuid(65534)
store = Store(Path(sys.argv[1]), write=False)
key = sys.argv[2]
print([run.drawn for run in store.runs()], store.find(key[:8]).drawn, store.load(key).record["missing"])
"""


def test_reading_needs_no_permission_to_write(store, drawn, python):
    with tempfile.TemporaryDirectory() as folder:  # of its own: another user cannot look into pytest's
        shutil.copytree(store.root, Path(folder) / "store")
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        answer, errors = python(READ, Path(folder) / "store", drawn.name).communicate(timeout=120)
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755)
    assert answer == "[2] 2 []\n", errors
