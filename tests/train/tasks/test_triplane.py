from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import toys3d_models
from limn import models
from limn.kernel.errors import InputError
from limn.scene3d.rays import pinhole
from limn.scene3d.volume import Seen, roughness
from limn.testing import check_task
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse
from limn.train.tasks.triplane import Rendering, Triplane, boxes, components, rendering


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toys3d_models.toys(tmp_path_factory.mktemp("toys3d"))


def recipe(folder: Path, **more: object) -> Recipe:
    fields = {
        "name": "small", "task": "triplane", "data": {"world": "toys3d", "folder": str(folder)},
        "network": {**toys3d_models.TRIPLANE, "objects": 3}, "objective": {"rays": 8},
        "optimiser": {"batch": 2}, "schedule": {"steps": 2},
    }  # fmt: skip
    return parse({**fields, **more})


def test_the_loss_in_closed_form() -> None:
    colour = torch.zeros(2, 5, 3)
    seen = Seen(colour=colour + 0.5, opacity=torch.ones(2, 5), depth=torch.ones(2, 5))
    loss = rendering(seen, colour, torch.zeros(2, 5), torch.full((2, 4), 3.0), Rendering(mask=0.2, prior=0.1))
    assert loss == pytest.approx(0.25 + 0.2 + 0.9)


def test_the_task_keeps_its_contract(folder: Path) -> None:
    check_task(Triplane, recipe(folder))


def test_an_even_density_is_not_rough(folder: Path) -> None:
    network = Triplane.build(recipe(folder))
    planes, generator = network.planes(network.raw(network.states())), torch.Generator().manual_seed(0)
    assert roughness(network.field, planes, 0.03, generator) > 0
    network.point[-1].weight.data.zero_()
    assert roughness(network.field, planes, 0.03, generator) == 0


def test_rays_see_the_pixels_they_pass(folder: Path) -> None:
    task = Triplane(recipe(folder), "cpu")
    camera, side = task.toys.camera(1, 4), task.toys.pictures.shape[2]
    row, column = torch.tensor([3, 20]), torch.tensor([9, 31])
    origins, along = pinhole(torch.from_numpy(camera.frame).expand(2, 3, 3), column, row, side, camera)
    true = [torch.from_numpy(part[row, column]) for part in camera.rays(side)]
    torch.testing.assert_close(origins, true[0])
    torch.testing.assert_close(along, true[1])
    origins, along, colour, mask = task.rays(np.array([0, 2]), np.random.default_rng(0))
    assert origins.shape == along.shape == colour.shape == (2, 8, 3)
    torch.testing.assert_close(along.norm(dim=-1), torch.ones(2, 8))
    assert (colour[mask == 0] == 1).all()


def test_boxes_hold_what_is_there() -> None:
    masks = np.zeros((1, 32, 32), np.uint8)
    masks[0, 10:13, 20:30] = 9
    assert boxes(masks)[0].tolist() == [[7, 17], [16, 32]]  # (first, last) by (row, column)


def test_components_have_unit_variance_and_keep_distances(folder: Path) -> None:
    task = Triplane(recipe(folder), "cpu")
    codes = components(task.toys, 5)
    assert codes.shape == (3, 5)
    torch.testing.assert_close(codes[:, :2].square().mean(0), torch.ones(2))
    assert not codes[:, 3:].any()


def test_wrong_numbers_of_objects_are_told(folder: Path) -> None:
    network = {**toys3d_models.TRIPLANE, "objects": 4}
    with pytest.raises(InputError, match="set objects=3 and size=32"):
        Triplane(recipe(folder, network=network), "cpu")


def test_from_data_to_a_model_that_draws(folder: Path, tmp_path: Path) -> None:
    for _ in train(recipe(folder), tmp_path / "codec", device="cpu"):
        pass
    words = parse({
        "name": "words", "data": {"world": "toys3d", "folder": str(folder), "autoencoder": str(tmp_path / "codec")},
        "network": toys3d_models.TRANSFORMER, "optimiser": {"batch": 2}, "schedule": {"steps": 2},
    })  # fmt: skip
    for _ in train(words, tmp_path / "words", device="cpu"):
        pass
    export(tmp_path / "words", tmp_path / "model")
    generator = models.load(tmp_path / "model")
    picture = generator.generate("a red chair", steps=2, views=2, camera="azimuth=5")[0]
    assert picture.pixels.shape == (32, 64, 3)
