"""Files from outside: regular ones only, and read once for their hash."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from limn.io import files
from limn.io.files import read_bounded, sha256_of
from limn.kernel.errors import DataError, WeightsError


def test_only_regular_files_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert read_bounded(tmp_path / "a", 5, "cut it") == b"12345"
    with pytest.raises(DataError, match="larger than 4 bytes; cut it"):
        read_bounded(tmp_path / "a", 4, "cut it", error=DataError)
    os.mkfifo(tmp_path / "pipe")
    for path, reason in ((tmp_path / "pipe", "not a regular file"), (tmp_path / "none", "no such file")):
        with pytest.raises(WeightsError, match=reason):
            sha256_of(path)


def test_a_hash_is_that_of_the_content_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"one", b"two", b"six"):  # of one size, within one tick of the clock
        path.write_bytes(content)
        assert sha256_of(path) == hashlib.sha256(content).hexdigest()


def test_a_file_that_rests_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    later = time.time_ns() + 10**10
    monkeypatch.setattr(time, "time_ns", lambda: later)
    before = files._digest.cache_info()
    assert sha256_of(path) == sha256_of(path) == hashlib.sha256(b"one").hexdigest()
    after = files._digest.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)
