"""Training of the stage that refines: its batches, its export beside the model it refines, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

import limn.models
from limn.kernel.errors import InputError
from limn.train.export import export
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Recipe, parse, read
from limn.train.tasks.finer import Finer
from limn.train.worlds import WORLDS

SAVING = {"steps": 100, "sheet_minutes": 0.0, "prompts": ["a red circle"]}
COMMON: dict[str, Any] = {
    "precision": "float32", "optimiser": {"batch": 4, "lr": 0.005}, "schedule": {"steps": 3, "warmup": 1},
    "saving": SAVING,
}  # fmt: skip


def vq(name: str, levels: int) -> Recipe:
    network = {"codes": 16, "code_width": 4, "widths": [16] * levels, "blocks": [1] * levels}
    return parse({**COMMON, "name": name, "task": "vq", "data": {"world": "shapes"}, "network": network})


def model(task: str, folder: Path, **network: int) -> Recipe:
    data = {"world": "shapes", "autoencoder": str(folder / ("coarse" if task == "masked" else "fine"))}
    data |= {} if task == "masked" else {"coarse": str(folder / "coarse")}
    shape = {"width": 16, "depth": 1, "heads": 2, "channels": 1, "vocabulary": 17, **network}
    return parse({**COMMON, "name": task, "task": task, "data": data, "network": shape})


def finer(folder: Path, **network: int) -> Recipe:
    return model("finer", folder, **{"grid": 8, "text_width": 164, "text_limit": 64, **network})


def run(made: Recipe, out: Path) -> dict[str, float]:
    *_, last = train(made, out, device="cpu")
    return dict(last.scores)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("finer")
    run(vq("coarse", 3), path / "coarse")
    run(vq("fine", 2), path / "fine")
    return path


def test_batches_hold_the_same_pictures_in_both_tokens(folder: Path) -> None:
    task = Finer(finer(folder), "cpu")
    batch, text, mask, _ = task.batch(5)
    assert batch.clean.shape == (4, 64)
    pictures = dataclasses.replace(finer(folder), data=dataclasses.replace(finer(folder).data, autoencoder=""))
    clean = WORLDS[pictures.data.world](pictures, task.words).captioned(5).clean
    assert torch.equal(averaged(folder / "fine").encode(clean).flatten(1), batch.clean)  # type: ignore[operator]
    ids = averaged(folder / "coarse").encode(clean).flatten(1)  # type: ignore[operator]
    assert torch.equal(text[:, :16, 128:132], 8 * task.coarse.vectors(ids))
    assert mask[:, :16].all()
    assert mask[:, 16:].any()


def test_a_model_and_its_finer_stage_are_trained_exported_and_drawn(folder: Path, tmp_path: Path) -> None:
    scores = run(finer(folder), tmp_path / "finer")
    assert scores.keys() == {"loss", "coarse psnr", "psnr"}
    run(model("masked", folder, grid=4, text_width=128), tmp_path / "base")
    export(tmp_path / "base", tmp_path / "model", finer=tmp_path / "finer")
    generator = limn.models.load(tmp_path / "model")
    assert [stage.refines for stage in generator.stages] == [False, True]
    assert generator.generate("a red circle")[0].pixels.shape == (32, 32, 3)
    with pytest.raises(InputError, match="as finer"):
        export(tmp_path / "finer", tmp_path / "alone")
    assert not (tmp_path / "alone").exists()
    with pytest.raises(InputError, match="does not refine"):
        export(tmp_path / "base", tmp_path / "twice", finer=tmp_path / "base")


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    good = finer(folder)
    for recipe, message in [
        (dataclasses.replace(good, data=dataclasses.replace(good.data, coarse="")), "data.coarse: name"),
        (finer(folder, text_width=128), "text_width = 164"),
        (finer(folder, text_limit=16), "text_limit of at least 17"),
        (finer(folder, vocabulary=16), "vocabulary = 17"),
    ]:
        with pytest.raises(InputError, match=message):
            next(iter(train(recipe, tmp_path / "out", device="cpu")))


@pytest.mark.parametrize("name", ["vq_grid16", "vq_shapes_grid16", "muse_super", "muse_shapes_super"])
def test_shipped_recipes_are_sound(name: str) -> None:
    assert read(Path(name)).name == name
