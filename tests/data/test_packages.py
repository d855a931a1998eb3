from __future__ import annotations

import io
import shutil
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from emoji_packages import tarball
from limn.data.packages import EMOJIBASE, FLAT, FLUENT_3D, NOTO, TWEMOJI, Package, Tarball, attribution, fetch
from limn.kernel.errors import DataError

DATA = tarball({"a.txt": b"hello", "b/c.svg": b"<svg/>"})
PACKAGE = replace(NOTO, name="@some/thing", version="1.2.3", sha256=sha256(DATA).hexdigest())


def npm(folder: Path, script: str) -> str:
    """A stand-in for npm on a path that has nothing else."""
    folder.mkdir()
    tool = folder / "npm"
    tool.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    tool.chmod(0o755)
    return str(folder)


def test_a_tarball_in_a_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "some-thing-1.2.3.tgz").write_bytes(DATA)
    tar = fetch(PACKAGE, tmp_path / "cache", tarballs=tmp_path)
    assert list(tar.names()) == ["package/a.txt", "package/b/c.svg"]
    assert list(tar.names("package/b/", ".svg")) == ["package/b/c.svg"]
    assert tar.read("package/a.txt") == b"hello"
    assert not (tmp_path / "cache").exists()


def test_a_changed_tarball_is_refused(tmp_path: Path) -> None:
    (tmp_path / PACKAGE.file).write_bytes(DATA + b"!")
    with pytest.raises(DataError, match="is not the pinned"):
        fetch(PACKAGE, tmp_path)


def test_a_missing_tarball_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"some-thing-1\.2\.3\.tgz: no such file"):
        fetch(PACKAGE, tmp_path, tarballs=tmp_path)


def test_npm_is_asked_for_the_exact_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").write_bytes(DATA)
    cp, cat = shutil.which("cp"), shutil.which("cat")
    log = f'echo "$@" > {tmp_path}/asked; {cp} {tmp_path}/data "$5/{PACKAGE.file}"'
    monkeypatch.setenv("PATH", npm(tmp_path / "bin", log))
    assert cat
    fetch(PACKAGE, tmp_path / "cache")
    assert (tmp_path / "asked").read_text("utf-8").split()[:2] == ["pack", "@some/thing@1.2.3"]
    monkeypatch.setenv("PATH", "")
    assert fetch(PACKAGE, tmp_path / "cache").read("package/a.txt") == b"hello"  # from the cache, without npm


def test_failing_or_absent_npm_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", npm(tmp_path / "bin", 'echo "network timeout" >&2; exit 1'))
    with pytest.raises(DataError, match=r"npm pack @some/thing@1\.2\.3 failed \(network timeout\)"):
        fetch(PACKAGE, tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    with pytest.raises(DataError, match="npm is not installed"):
        fetch(PACKAGE, tmp_path / "cache")


def test_links_and_folders_in_a_tarball_are_no_files() -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, kind in (
            ("package/link", tarfile.SYMTYPE),
            ("package/hard", tarfile.LNKTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
    tar = Tarball(sink.getvalue())
    assert list(tar.names()) == []
    with pytest.raises(DataError, match="not in the package"):
        tar.read("package/link")


@pytest.mark.parametrize("data", [b"", b"no gzip", DATA[:60]], ids=["empty", "no gzip", "cut short"])
def test_damaged_tarballs_are_refused(data: bytes) -> None:
    with pytest.raises(DataError):
        Tarball(data)


@pytest.mark.parametrize("package", [EMOJIBASE, FLAT, FLUENT_3D, NOTO, TWEMOJI], ids=lambda package: package.name)
def test_each_source_is_pinned_and_credited(package: Package) -> None:
    assert len(package.sha256) == 64
    text = attribution([package])
    for fact in (package.name, package.version, package.author, package.licence, package.source):
        assert fact in text
