from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from emoji_packages import SAMPLE, fake_packages
from limn.data import packages, pictograms, sets
from limn.data.picture_set import PictureSet, load
from limn.data.split import SPLITS


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of small tarballs that stand for the pinned ones."""
    folder = tmp_path / "tarballs"
    folder.mkdir()
    for name, data in fake_packages().items():
        real = packages.EMOJIBASE if name == "emojibase" else sets.SETS[name].package
        fake = replace(real, sha256=sha256(data).hexdigest())
        (folder / fake.file).write_bytes(data)
        if name == "emojibase":
            monkeypatch.setattr(pictograms, "EMOJIBASE", fake)
            monkeypatch.setattr(packages, "EMOJIBASE", fake)
        else:
            monkeypatch.setitem(sets.SETS, name, replace(sets.SETS[name], package=fake))  # type: ignore[misc]
    return folder


@pytest.fixture(scope="session")
def sample() -> PictureSet:
    """The committed sample, with its held-out parts."""
    return load(SAMPLE, SPLITS)
