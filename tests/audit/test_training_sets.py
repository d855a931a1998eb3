from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limn.audit.training_sets as module
from limn.audit.run import in_memory
from limn.audit.sources import FromOracle
from limn.audit.studies.memorisation import Memorisation
from limn.audit.training_sets import fitted, open_set
from limn.kernel.errors import DataError, InputError


def folder(path: Path, seed: int, count: int = 3) -> Path:
    path.mkdir()
    for k in range(count):
        grey = np.random.default_rng([seed, k]).integers(0, 255, (64, 64, 3)).astype(np.uint8)
        Image.fromarray(grey).save(path / f"{k}.png")
        (path / f"{k}.txt").write_text(f"picture {k}", "utf-8")
    return path


def test_folders_of_pictures(tmp_path: Path) -> None:
    known = open_set(str(folder(tmp_path / "seen", 0)), str(folder(tmp_path / "held", 1, 2)))
    assert known.pictures.shape == (3, 64, 64, 3)
    assert known.captions == ("picture 0", "picture 1", "picture 2")
    assert known.copies.tolist() == [1, 1, 1]
    assert len(known.held) == len(known.held_captions) == 2


def test_held_out_pictures_that_were_learned_from_are_left_out(tmp_path: Path) -> None:
    known = open_set(str(folder(tmp_path / "seen", 0)), str(folder(tmp_path / "held", 0, 4)))
    assert known.held_captions == ("picture 3",)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="held"):
        open_set(str(folder(tmp_path / "seen", 0)))
    with pytest.raises(DataError, match="no such folder"):
        open_set(str(tmp_path / "none"), str(tmp_path / "none"))


def test_the_world_of_repeated_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_SETS", 1)
    known = open_set("copied")
    assert sorted(set(known.copies.tolist())) == [1, 4, 16, 64]
    assert len(known.pictures) == len(known.captions) == len(known.copies) == len(known.held) == 340
    assert known.captions[0].split()[-1] in ("doctor", "cook", "teacher", "farmer", "firefighter", "artist")
    few = replace(known, pictures=known.pictures[:2], held=known.held[:1])
    with pytest.raises(InputError, match="no_such_model"):
        few.through("no_such_model")


def test_pictures_of_another_size_are_scaled() -> None:
    like, small = np.zeros((1, 8, 8, 3), np.uint8), np.full((4, 4, 3), 90, np.uint8)
    (found,) = fitted([small], like)
    assert found.shape == (8, 8, 3)
    assert (found == 90).all()
    assert fitted([like[0]], like)[0] is not None


def test_pictures_that_cannot_be_used_are_counted_and_named(tmp_path: Path) -> None:
    seen = folder(tmp_path / "seen", 0, 60)
    (seen / "7.png").write_bytes((seen / "7.png").read_bytes()[:300])
    (seen / "8.txt").unlink()
    known = open_set(str(seen), str(folder(tmp_path / "held", 1, 2)))
    assert len(known.pictures) == 58
    (line,) = known.left_out
    assert "58 read, 2 left out" in line
    assert line.endswith("All that were left out: 7.png, 8.png.")
    study = Memorisation(training=str(seen), held=str(tmp_path / "held"), n=1, most=2)
    table = in_memory(study.probe(), [FromOracle(picture=lambda ask, seed: known.pictures[seed % 58])], [])
    assert line in study.analyse(table).caveats
