from __future__ import annotations

from pathlib import Path

from limn.data.picture_set import load
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
