from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from limn.data.picture_set import packed
from limn.kernel.errors import InputError
from limn.models.upsampler import upsampler
from limn.train.export import export
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Recipe, parse, read
from limn.train.tasks import upsampling
from limn.train.tasks.upsampling import Enlarging, Upsampling, enlarged, enlarging, on_white, reduced

SAMPLE = Path(__file__).parents[2] / "sample" / "pictograms"  # of 64 pixels, so that small is 16


def recipe(steps: int = 4, **data: object) -> Recipe:
    return parse({
        "name": "tiny", "task": "upsampling", "schedule": {"steps": steps, "warmup": 1}, "optimiser": {"batch": 6},
        "data": {"folder": str(SAMPLE), **data}, "network": {"factor": 4, "width": 8, "blocks": 1},
        "saving": {"steps": 4, "sheet_minutes": 0.0},
    })  # fmt: skip


def test_an_even_picture_stays_even_at_any_size() -> None:
    even = np.full((16, 24, 3), (10, 200, 90), np.uint8)
    assert (reduced(even, 4) == even[:4, :6]).all()
    assert (enlarged(even, 2) == even[0, 0]).all()
    assert enlarged(even, 2).shape == (32, 48, 3)


@pytest.mark.parametrize("softly", [False, True])
def test_batches_follow_from_the_seed_and_the_step_alone(softly: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if softly:  # any other version will do, and cheaply
        soft = lambda pictures, name, rng, noise: torch.full((len(pictures), 3, 16, 16), float(rng.random()))  # noqa: E731
        monkeypatch.setattr(upsampling, "reconstructed", soft)
    plan = recipe(autoencoder="emoji" if softly else "")
    one, two = Upsampling(plan, "cpu"), Upsampling(plan, "cpu")
    two.batch(3)
    for step in (1, 0):
        (small, large), again = one.batch(step), two.batch(step)
        assert torch.equal(small, again[0])
        assert torch.equal(large, again[1])
        assert (small.shape, large.shape) == ((6, 3, 16, 16), (6, 3, 64, 64))
        assert bool(torch.isfinite(one.loss(step)))
    assert softly == any(bool((each == each.flatten()[0]).all()) for each in one.batch(0)[0])


def test_small_and_large_show_the_same_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upsampling, "CROP", 8)
    small, large = Upsampling(recipe(), "cpu").batch(0)
    assert (small.shape, large.shape) == ((6, 3, 8, 8), (6, 3, 32, 32))
    mean = torch.nn.functional.avg_pool2d(large, 4)
    inner = (mean - small)[..., 1:-1, 1:-1].abs().mean()
    for moved in (mean.flip(-1), mean.flip(-2), mean.transpose(-1, -2), mean.roll(2, -1)):
        assert inner < 0.7 * (moved - small)[..., 1:-1, 1:-1].abs().mean()


def test_what_is_measured_is_never_learned_from() -> None:
    task = Upsampling(recipe(), "cpu")
    learned = set(packed(SAMPLE)["picture"])
    assert set(task.large) <= learned
    held = [on_white(png) for png in packed(SAMPLE, upsampling.HELD_OUT)["picture"]]
    for picture in task.true:
        assert any((picture == each).all() for each in held)


def test_a_resumed_run_equals_an_uninterrupted_one_and_ships(tmp_path: Path) -> None:
    last = list(train(recipe(8), tmp_path / "whole", device="cpu"))[-1]
    assert last.sheet is not None
    assert last.sheet.exists()
    assert set(last.scores) == {"psnr", "lanczos"}
    for event in train(recipe(8), tmp_path / "parts", device="cpu"):
        if event.step == 3:
            break
    list(train(recipe(8), tmp_path / "parts", device="cpu"))
    one, two = (averaged(tmp_path / part).state_dict() for part in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)
    export(tmp_path / "whole", tmp_path / "model")
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {
        "upsampler.json", "model.safetensors", "card.json", "MODEL_CARD.md", "SHA256SUMS", "ATTRIBUTION.md"
    }  # fmt: skip
    card = json.loads((tmp_path / "model" / "card.json").read_text("utf-8"))
    assert (card["size"], card["draws"][:21]) == (256, "nothing; it enlarges ")
    picture = np.random.default_rng(0).integers(0, 256, (9, 8, 3), dtype=np.uint8)
    assert upsampler(tmp_path / "model").enlarge(picture).shape == (36, 32, 3)


def test_a_network_that_learns_comes_nearer(tmp_path: Path) -> None:
    task = Upsampling(recipe(), "cpu")
    before = float(task.loss(0).detach())
    optimiser = torch.optim.AdamW(task.network.parameters(), lr=3e-3)
    for step in range(40):
        optimiser.zero_grad()
        task.loss(step).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert float(task.loss(0).detach()) < before


def test_worlds_without_large_pictures_are_refused() -> None:
    with pytest.raises(InputError, match="pictograms"):
        Upsampling(recipe(world="shapes"), "cpu")
    with pytest.raises(InputError, match="too small"):
        Upsampling(dataclasses.replace(recipe(), network={"factor": 8, "width": 8, "blocks": 1}), "cpu")


def test_the_shipped_recipe_is_sound() -> None:
    plan = read(Path("upsampler"))
    assert (plan.task, plan.network["factor"], plan.data.autoencoder) == ("upsampling", 4, "emoji")


def test_the_loss_of_enlarging_in_closed_form() -> None:
    clean = torch.zeros(2, 3, 4, 4)
    assert enlarging(clean - 0.5, clean, Enlarging()) == pytest.approx(0.5)  # no edges
    stripes = clean.clone()
    stripes[..., ::2] = 0.5
    assert enlarging(stripes, clean, Enlarging(gradients=2.0)) == pytest.approx(0.25 + 2 * 0.5)
