from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from limn.io.atomic import append_text, move_aside, probe, sweep, write_bytes, write_json, write_text
from limn.kernel.errors import InputError, StoreError

FAULTS = [
    (os, "write", errno.ENOSPC, "disk is full"),
    (os, "write", errno.EDQUOT, "quota"),
    (os, "fsync", errno.EIO, "check the disk"),
    (os, "open", errno.EROFS, "read-only"),
    (Path, "replace", errno.EACCES, "no permission"),
]


def fail(code: int, *, after: int = 0):
    """Stand in for a system call that first does a part of its work."""
    real_write, calls = os.write, []

    def call(*arguments, **options):
        calls.append(arguments)
        if len(calls) <= after:
            return real_write(arguments[0], arguments[1][:10])
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize(("owner", "name", "code", "words"), FAULTS)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, owner, name, code, words):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail(code, after=2 if name == "write" else 0))
        with pytest.raises(StoreError, match=words) as caught:
            write_bytes(path, b"new" * 100)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_file_takes_its_name_only_when_the_disk_has_it(tmp_path, monkeypatch):
    seen = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: seen.append([each.name for each in tmp_path.glob("file")]))
        write_bytes(tmp_path / "file", b"new")
    assert seen == [[], ["file"]]


def test_a_write_in_pieces_is_whole(tmp_path, monkeypatch):
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: real(descriptor, data[:7]))
        write_bytes(tmp_path / "file", bytes(range(256)))
    assert (tmp_path / "file").read_bytes() == bytes(range(256))


def test_a_stop_by_the_keyboard_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", stop)
        with pytest.raises(KeyboardInterrupt):
            write_bytes(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("data", [{"x": float("nan")}, {"x": {1, 2}}, {"x": b""}])
def test_what_is_not_json_is_refused(tmp_path, data):
    with pytest.raises(InputError, match="file: cannot be written as JSON"):
        write_json(tmp_path / "file", data)
    assert list(tmp_path.iterdir()) == []


def test_what_is_put_aside_never_replaces_what_was(tmp_path):
    for content in ("one", "two", "three"):
        (tmp_path / "file.png").write_text(content)
        move_aside(tmp_path / "file.png", tmp_path / "aside")
    kept = {each.name: each.read_text() for each in (tmp_path / "aside").iterdir()}
    assert kept == {"file.png": "one", "file-2.png": "two", "file-3.png": "three"}


def test_pieces_are_one_file_and_a_fault_among_them_leaves_the_old_one(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, iter([b"one ", memoryview(b"two"), b""]))
    assert path.read_text() == "one two"

    def broken():
        yield b"three"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_bytes(path, broken())
    assert path.read_text() == "one two"
    assert list(tmp_path.iterdir()) == [path]
    write_text(path, "drei\u00df")
    assert path.read_bytes() == "drei\u00df".encode()


def test_what_interrupted_writers_left_is_swept(tmp_path):
    (tmp_path / ".limn-0123.tmp").write_bytes(b"part")
    (tmp_path / "file").write_bytes(b"whole")
    assert sweep(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_probe_leaves_other_files_and_what_links_lead_to(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / ".probe").symlink_to(tmp_path / "mine")
    probe(tmp_path)
    assert (tmp_path / ".probe").is_symlink()
    assert (tmp_path / "mine").read_text() == "mine"


def test_adding_to_a_file_follows_no_link(tmp_path):
    for _ in range(2):
        append_text(tmp_path / "file", "line\n")
    assert (tmp_path / "file").read_text() == "line\nline\n"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(StoreError, match="link: is a link, which limn does not follow"):
        append_text(tmp_path / "link", "line\n")
    assert (tmp_path / "file").read_text() == "line\nline\n"
