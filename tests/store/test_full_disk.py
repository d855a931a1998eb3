from __future__ import annotations

import errno
import os

import pytest

from limn.kernel.errors import StoreError
from limn.store import Store


def fail(code: int, *, after: int = 0):
    """Stand in for a system call that first does a part of its work."""
    real_write, calls = os.write, []

    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) <= after:
            return real_write(arguments[0], arguments[1][:10])
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_store_that_cannot_be_written_says_so_when_it_is_opened(tmp_path, monkeypatch, code):
    Store(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail(code))
        with pytest.raises(StoreError, match="choose another folder"):
            Store(tmp_path)
    assert not (tmp_path / ".probe").exists()


def test_a_full_disk_in_the_middle_of_a_run_keeps_what_is_drawn(store, ask, paint, monkeypatch):
    run = store.open(*ask("heart", n=3))
    with run:
        run.save(0, paint(0), {"prompt": "heart"})
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", fail(errno.ENOSPC, after=1))
            with pytest.raises(StoreError, match=r"0001-heart\.png: the disk is full"):
                run.save(1, paint(1), {"prompt": "heart"})
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail(errno.ENOSPC))
            with pytest.raises(StoreError, match=r"record\.json: the disk is full"):
                run.finish({})
        assert run.done() == {0}
        run.save(1, paint(1), {"prompt": "heart"})
    names = sorted(each.name for each in run.folder.iterdir())
    assert names == [".lock", "0000-heart.png", "0001-heart.png", "request.json"]
