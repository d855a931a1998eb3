from __future__ import annotations

from pathlib import Path

import pytest

from limn.data.picture_set import load
from limn.kernel.errors import InputError
from limn.models import vocabulary
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse

SAMPLE = Path(__file__).parents[1] / "sample" / "pictograms"


def recipe(**data: object) -> Recipe:
    return parse({
        "name": "tiny", "data": data, "optimiser": {"batch": 2}, "schedule": {"steps": 1},
        "network": {
            "width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 64, "patch": 16, "text_width": 128,
        },
    })  # fmt: skip


def exported(plan: Recipe, folder: Path) -> Path:
    for _ in train(plan, folder / "run", device="cpu"):
        pass
    export(folder / "run", folder / "model")
    return folder / "model"


def test_the_words_of_the_captions_go_with_the_weights(tmp_path: Path) -> None:
    folder = exported(recipe(world="pictograms", folder=str(SAMPLE)), tmp_path)
    known, seen = vocabulary(folder), load(SAMPLE)
    assert known is not None
    captions = [caption.lower() for each in seen.columns["captions"] for caption in each]
    assert all(any(word in caption for caption in captions) for word in known.known)
    assert {word for word in captions[0].split() if word.isalpha()} <= known.known
    assert 0 < len(known.names) <= len(seen)
    assert not any("skin" in name for name in known.names)
    assert "vocabulary.json" in (folder / "SHA256SUMS").read_text()


def test_a_world_without_end_has_no_list_of_words(tmp_path: Path) -> None:
    plan = recipe(world="shapes")
    plan.network.update(grid=32, patch=8)
    assert vocabulary(exported(plan, tmp_path)) is None


def test_an_export_replaces_its_own_files_and_no_others(tmp_path: Path) -> None:
    plan = recipe(world="shapes")
    plan.network.update(grid=32, patch=8)
    folder = exported(plan, tmp_path)
    (folder / "notes.txt").write_text("mine")
    export(tmp_path / "run", folder)
    (folder / "other.safetensors").write_text("mine")
    with pytest.raises(InputError, match=r"other\.safetensors: exists and is not limn's .* --force"):
        export(tmp_path / "run", folder)
    export(tmp_path / "run", folder, force=True)
    assert [(folder / name).read_text() for name in ("notes.txt", "other.safetensors")] == ["mine"] * 2


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "card.json", "SHA256SUMS", "MODEL_CARD.md"])
def test_a_foreign_folder_is_left_as_it_is(tmp_path: Path, name: str) -> None:
    plan = recipe(world="shapes")
    plan.network.update(grid=32, patch=8)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).write_text("{}")
    with pytest.raises(InputError, match="not limn's to replace"):
        exported(plan, tmp_path)
    assert [path.name for path in (tmp_path / "model").iterdir()] == [name]
    assert (tmp_path / "model" / name).read_text() == "{}"


def test_an_interrupted_export_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = recipe(world="shapes")
    plan.network.update(grid=32, patch=8)
    with monkeypatch.context() as patch:
        patch.setattr("limn.train.export.write_sums", stop)
        with pytest.raises(KeyboardInterrupt):
            exported(plan, tmp_path)
    assert (tmp_path / "model" / "config.json").exists()
    export(tmp_path / "run", tmp_path / "model")
    assert "unfinished" not in (tmp_path / "model" / "card.json").read_text()


def stop(folder: Path) -> None:
    raise KeyboardInterrupt
