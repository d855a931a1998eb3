"""Painting into pictures: the network with further channels begins as the one it was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from limn import models
from limn.edit.inpaint import Inpaint
from limn.edit.sdedit import SDEdit
from limn.kernel.errors import InputError, WeightsError
from limn.networks.transformer import Transformer
from limn.networks.weights import load_state, read_tensors, write_tensors
from limn.testing import check_task
from limn.train.export import export
from limn.train.loop import train
from limn.train.network import starting
from limn.train.recipe import Recipe, parse
from limn.train.tasks.inpainting import Inpainting, holes

PIXELS = {"width": 32, "depth": 2, "heads": 2, "channels": 3, "grid": 32, "patch": 4, "text_width": 128}


def recipe(**fields: Any) -> Recipe:
    return parse({
        "name": "tiny", "task": "inpainting", "data": {"world": "shapes"}, "network": {**PIXELS, "given": 4},
        "optimiser": {"batch": 3}, "schedule": {"steps": 2, "warmup": 1},
        "saving": {"steps": 2, "sheet_minutes": 0.0}, **fields,
    })  # fmt: skip


def test_it_is_a_task() -> None:
    check_task(Inpainting, recipe())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of pixels that reads no picture."""
    folder = tmp_path_factory.mktemp("plain")
    drawing = recipe(task="generator", network=PIXELS)
    list(train(drawing, folder / "run", device="cpu"))
    export(folder / "run", folder / "model", styles=False)
    return folder / "model"


def test_before_it_has_learned_it_answers_as_the_model_it_was_made_from(plain: Path) -> None:
    old = Transformer.from_config(json.loads((plain / "config.json").read_text())["transformer"])
    load_state(old, starting(str(plain)))
    task = Inpainting(recipe(init=str(plain)), "cpu")
    load_state(task.network, starting(str(plain), task.network))
    batch, text, mask, _ = task.batch(0)
    clean, given = task.holed(batch, 0)
    time = torch.tensor([0.1, 0.5, 1.0])
    for beside in (given, 100 * torch.randn_like(given), None):
        with torch.no_grad():
            assert torch.equal(task.network(clean, time, text, mask, given=beside), old(clean, time, text, mask))
    task.loss(0).backward()  # type: ignore[no-untyped-call]
    assert task.network.given_in is not None
    assert task.network.given_in.weight.grad is not None
    assert bool(task.network.given_in.weight.grad.any()), "but it learns at once"


def test_before_it_has_learned_it_edits_as_that_model(plain: Path, tmp_path: Path) -> None:
    tensors = read_tensors(plain / "model.safetensors")
    config = json.loads((plain / "config.json").read_text())
    config["transformer"]["given"] = 4
    (tmp_path / "config.json").write_text(json.dumps(config))
    write_tensors(tmp_path / "model.safetensors", {**tensors, "given_in.weight": torch.zeros(32, 4 * 16)})
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    for edit in (None, Inpaint.box(picture, (0.25, 0.25, 0.75, 0.75)), SDEdit.of(picture, strength=0.5)):
        one, two = (models.load(folder).generate("a star", edit=edit, n=2) for folder in (plain, tmp_path))
        assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))


def test_a_trained_model_loads_draws_and_paints(plain: Path, tmp_path: Path) -> None:
    list(train(recipe(init=str(plain)), tmp_path / "run", device="cpu"))
    export(tmp_path / "run", tmp_path / "model", styles=False)
    model = models.load(tmp_path / "model")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    edit = Inpaint.box(picture, (0.25, 0.25, 0.75, 0.75))
    free, painted = model.generate("a red circle", seed=3)[0], model.generate("a red circle", seed=3, edit=edit)[0]
    assert model.stages[0].known
    assert np.array_equal(painted.pixels[:8], picture[:8])
    assert not np.array_equal(painted.pixels[8:24, 8:24], free.pixels[8:24, 8:24]), "it sees the picture"


@pytest.mark.parametrize("given", [3, 5])
def test_a_folder_whose_channels_do_not_fit_is_refused(plain: Path, tmp_path: Path, given: int) -> None:
    with pytest.raises(InputError, match=r"network\.given: must be 1 \+ network\.channels = 4"):
        Inpainting(recipe(network={**PIXELS, "given": given}), "cpu")
    folder = tmp_path / "model"
    folder.mkdir()
    for file in ("config.json", "model.safetensors"):
        (folder / file).write_bytes((plain / file).read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config["transformer"]["given"] = given
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError):
        models.load(folder)


def test_holes() -> None:
    inside = holes(np.random.default_rng(0), 400, 32, blank=0.25)
    whole = inside.all((1, 2))
    assert 0.18 < whole.mean() < 0.32
    assert inside.any((1, 2)).all()
    assert not holes(np.random.default_rng(0), 400, 32, blank=0.0).all((1, 2)).any()
    assert 0.2 < inside[~whole].mean() < 0.6


def test_resuming_is_exact(tmp_path: Path) -> None:
    steps = {"steps": 4, "warmup": 1}
    list(train(recipe(schedule=steps), tmp_path / "whole", device="cpu"))
    for event in train(recipe(schedule=steps), tmp_path / "parts", device="cpu"):
        if event.step == 2:
            break
    list(train(recipe(schedule=steps), tmp_path / "parts", device="cpu"))
    whole, parts = (starting(str(tmp_path / name)) for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
