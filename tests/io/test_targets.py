from __future__ import annotations

from pathlib import Path

import pytest

from limn.io.targets import check_name, check_unlinked, keep_foreign
from limn.kernel.errors import InputError, StoreError


def test_only_what_a_manifest_names_or_force_allows_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    keep_foreign([tmp_path / "new", tmp_path / "file"], {"file"})
    keep_foreign([tmp_path / "file", tmp_path / "link"], force=True)
    for name in ("file", "link"):
        with pytest.raises(InputError, match=f"{name}: exists and is not limn's to replace; .* --force"):
            keep_foreign([tmp_path / name], {"new"})


def test_a_link_below_the_root_is_refused_and_one_above_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "real" / "runs").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "out").symlink_to(tmp_path)
    root = tmp_path / "root"
    for name in ("runs", "runs/new", "new/file"):
        assert check_unlinked(root, root / name) == root / name
    for name in ("out", "out/file", "out/deep/file"):
        with pytest.raises(StoreError, match="out: is a link, which limn does not follow"):
            check_unlinked(root, root / name)


@pytest.mark.parametrize("name", ["emoji", "emoji-2", "a b", "v1.5", "x" * 100, "C++", "_x"])
def test_plain_names(name: str) -> None:
    assert check_name(name, "name") == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/x", "C:\\x", "a\0", "x" * 101, "CON", "nul.txt", "a..b", ".hidden",
     "a.", " a", "a ", "a\n", "é", "-a", "%2e%2e%2f", "com1"],
)  # fmt: skip
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"name: .* is no plain name"):
        check_name(name, "name")
