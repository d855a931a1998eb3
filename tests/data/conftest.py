from __future__ import annotations

from pathlib import Path

import pytest

from emoji_packages import SAMPLE, pack
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small tarballs that stand for the pinned ones."""
    folder = tmp_path / "tarballs"
    folder.mkdir()
    for home, name, fake in pack(folder):
        monkeypatch.setitem(home, name, fake)
    return folder


@pytest.fixture(scope="session")
def sample() -> PictureSet:
    """The committed sample, with its held-out parts."""
    return load(SAMPLE, SPLITS)
