"""Editing by models that denoise: what is known stays, whoever walks and whatever steers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import toys
from limn.edit.inpaint import Inpaint
from limn.edit.mask_free import MaskFree
from limn.edit.outpaint import Outpaint
from limn.edit.repainting import Repainting
from limn.edit.sdedit import SDEdit
from limn.kernel import registry
from limn.kernel.edit import Edit, Pixels
from limn.kernel.errors import InputError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.level import Level
from limn.kernel.rng import Streams
from limn.kernel.sampler import Predict, Sampler
from limn.kernel.step import Step
from small_models import files, native, usual

SAMPLERS = [name for name in registry.names("samplers") if registry.find("samplers", name).space == "clean"]  # type: ignore[attr-defined]


class Own(Sampler):
    """A package's sampler that walks by itself: it jumps to the clean state and back with the same noise."""

    def walk(self, predict: Predict, start: Tensor, levels: Sequence[Level], streams: Streams) -> Iterator[Step]:
        x = start
        for index, (here, there) in enumerate(pairwise(levels)):
            step = Step(index=index, total=len(levels) - 1, x=x, level=here, next=there, streams=streams)
            clean = predict(step)
            x = there.alpha * clean + there.sigma * start / levels[0].sigma
            yield dataclasses.replace(step, x=x, clean=clean)


@pytest.fixture(scope="module")
def generator() -> Generator:
    return toys.toy()


def picture(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)


def hole() -> Pixels:
    mask = np.zeros((16, 16), np.uint8)
    mask[3:9, 5:16] = 255
    return mask


def state(pixels: Pixels) -> Tensor:
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def drawn(generator: Generator, edit: Edit, **options: Any) -> list[Picture]:
    request = generator.request("a dog", edit=edit, **options)
    return [event for event in generator.draw(request) if isinstance(event, Picture)]


@pytest.mark.parametrize("name", [*SAMPLERS, "a package's own"])
@pytest.mark.parametrize("how", [{}, {"strength": 0.5}, {"resample": 3}, {"invert": True}], ids=str)
def test_every_sampler_keeps_what_is_outside(generator: Generator, name: str, how: dict[str, Any]) -> None:
    sampler = registry.build("samplers", {"name": name}) if name in SAMPLERS else Own()
    edit = Inpaint.of(picture(), hole(), **how)
    request = generator.request("a dog", edit=edit, n=2, steps=4, sampler=sampler)
    outside, before = hole() == 0, state(picture())
    steps = 0
    for event in generator.draw(request):
        if isinstance(event, Picture):
            assert np.array_equal(event.pixels[outside], picture()[outside])
            assert (event.pixels[~outside] != picture()[~outside]).any()
        else:
            steps += 1
            assert event.steps == edit.steps(4)
            last = event.state.x
    assert steps == edit.steps(4)
    kept = torch.from_numpy(outside)
    assert torch.equal(last[..., kept], before[..., kept].expand(2, -1, -1))


@pytest.mark.parametrize("edit", [Inpaint.of(picture(), hole()), SDEdit.of(picture(), strength=0.5)])
@pytest.mark.parametrize("name", registry.names("guidance"))
def test_every_guidance_composes(name: str, edit: Repainting, tmp_path: Path) -> None:
    model = native(tmp_path / "model")
    part = usual(name, files(tmp_path))
    free, steered = (drawn(model, edit, guidance=parts, steps=2)[0].pixels for parts in ([], [part]))
    if isinstance(edit, Inpaint):
        assert np.array_equal(steered[hole() == 0], picture()[hole() == 0])
    assert steered.shape == free.shape


def asked(
    generator: Generator, edit: Edit, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> list[tuple[Tensor, Level]]:
    """The states and levels that the network was asked about."""
    seen: list[tuple[Tensor, Level]] = []
    kind = type(generator.stages[0].predictor)
    usual = kind.__call__

    def call(self: Any, x: Tensor, level: Level, *rest: Any) -> Tensor:
        seen.append((x.clone(), level))
        return usual(self, x, level, *rest)

    monkeypatch.setattr(kind, "__call__", call)
    drawn(generator, edit, guidance=[], **options)
    return seen


@pytest.mark.parametrize(("strength", "taken"), [(0.3, 3), (0.59, 5), (0.999, 9), (1.0, 10)])
def test_strength_is_where_the_walk_starts(
    generator: Generator, monkeypatch: pytest.MonkeyPatch, strength: float, taken: int
) -> None:
    levels = generator.stages[0].schedule.levels(10, generator.stages[0].sampler)
    seen = asked(generator, SDEdit.of(picture(), strength=strength), monkeypatch, steps=10, seed=7)
    assert [level for _, level in seen] == list(levels[10 - taken : 10])
    first, level = seen[0]
    noise = Streams([7]).normal((3, 16, 16))
    assert torch.allclose(first, level.alpha * state(picture()) + level.sigma * noise, atol=1e-6)


def test_more_strength_leaves_less_of_the_picture(generator: Generator) -> None:
    away = [
        np.abs(drawn(generator, SDEdit.of(picture(), strength=s), steps=20)[0].pixels.astype(int) - picture()).mean()
        for s in (0.1, 0.3, 0.6, 1.0)
    ]
    assert away == sorted(away)
    assert away[0] < away[-1] / 3


def test_a_region_that_is_all_anew_has_no_trace_of_what_was_there(generator: Generator) -> None:
    other = np.where(hole()[..., None] > 0, picture(1), picture())
    one, two = (drawn(generator, Inpaint.of(p, hole()), steps=3)[0].pixels for p in (picture(), other))
    assert np.array_equal(one, two)
    softly = [drawn(generator, Inpaint.of(p, hole(), strength=0.7), steps=3)[0].pixels for p in (picture(), other)]
    assert not np.array_equal(*softly)


def test_a_white_mask_is_a_picture_from_words_alone(generator: Generator) -> None:
    white = np.full((16, 16), 255, np.uint8)
    (anew,) = drawn(generator, Inpaint.of(picture(), white), seed=3)
    (free,) = generator.generate("a dog", seed=3)
    assert np.array_equal(anew.pixels, free.pixels)


def test_grey_mixes_and_half_decides(generator: Generator) -> None:
    mask = hole()
    mask[3:9, 5] = 128  # just drawn
    mask[3:9, 4] = 127  # just not, and half mixed
    (whole,) = drawn(generator, Inpaint.of(picture(), mask, paste=False))
    (mixed,) = drawn(generator, Inpaint.of(picture(), mask))
    share = mask[..., None] / 255
    assert np.array_equal(mixed.pixels, np.rint((1 - share) * picture() + share * whole.pixels).astype(np.uint8))
    with pytest.raises(InputError, match="nowhere lighter than half"):
        Inpaint.of(picture(), np.full((16, 16), 127, np.uint8))


@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_a_picture_grows(generator: Generator, side: str) -> None:
    (grown,) = drawn(generator, Outpaint.of(picture(), side, 8))  # type: ignore[arg-type]
    tall = side in ("top", "bottom")
    assert grown.pixels.shape == ((24, 16, 3) if tall else (16, 24, 3))
    offset = 8 if side in ("left", "top") else 0
    kept = grown.pixels[offset : offset + 16] if tall else grown.pixels[:, offset : offset + 16]
    assert np.array_equal(kept, picture())
    with pytest.raises(InputError, match="at most 8"):
        drawn(generator, Outpaint.of(picture(), side, 16))  # type: ignore[arg-type]


def test_resampling_goes_back_to_the_level_with_the_right_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = toys.toy(spread=1e-4)  # sure of its answer, so that the rest is noise
    large = np.zeros((64, 64, 3), np.uint8)
    edit = Inpaint.of(large, np.full((64, 64), 255, np.uint8), resample=3)
    seen = asked(generator, edit, monkeypatch, steps=4, size=(64, 64))
    levels = generator.stages[0].schedule.levels(4, generator.stages[0].sampler)
    assert [level for _, level in seen] == [levels[0], *(level for level in levels[1:4] for _ in range(3))]
    clean = toys.colour("a dog").view(1, 3, 1, 1)
    for x, level in seen[1:]:
        noise = (x - level.alpha * clean) / level.sigma
        assert abs(float(noise.mean())) < 0.03
        assert float(noise.std()) == pytest.approx(1, abs=0.03)


def test_from_its_own_noise_a_picture_comes_back(generator: Generator) -> None:
    edit = SDEdit.of(picture(), strength=1.0, invert=True, source="a dog", refine=60)
    one, two = drawn(generator, edit, n=2, steps=20, guidance=[], sampler="ddim")
    assert np.abs(one.pixels.astype(int) - picture()).max() <= 1
    assert np.array_equal(one.pixels, two.pixels), "no random noise, so seeds play no part"
    other = dataclasses.replace(edit, source="a cat")
    assert not np.array_equal(drawn(generator, other, steps=20, guidance=[])[0].pixels, one.pixels)


def test_a_picture_of_an_edit_does_not_depend_on_its_batch(generator: Generator) -> None:
    edit = Inpaint.of(picture(), hole(), strength=0.8, resample=2)
    together = drawn(generator, edit, n=3, seed=4, sampler="ddim:eta=1")
    (alone,) = drawn(generator, edit, seed=6, sampler="ddim:eta=1")
    assert np.abs(alone.pixels.astype(int) - together[2].pixels).max() <= 1
    request = generator.request("a dog", edit=edit, n=3, seed=4)
    counted = [event for event in generator.draw(request) if isinstance(event, Progress)]
    assert [event.step for event in counted] == list(range(1, edit.steps(4) + 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 0.0}, "strength: 0.0 is not allowed"),
        ({"strength": 1.5}, "strength: 1.5 is not allowed"),
        ({"strength": float("nan")}, "strength: nan"),
        ({"strength": 0.1}, "strength: 0.1 of 4 steps is none; give at least 0.25"),
        ({"resample": 0}, "resample: 0 is not allowed"),
        ({"refine": -1}, "refine: -1 is not allowed"),
        ({"source": "a cat"}, "source: .* add --invert"),
    ],
)
def test_what_cannot_be_done_is_refused(generator: Generator, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        generator.request("a dog", edit=SDEdit.of(picture(), **options))


def test_each_family_says_which_edit_is_for_it(generator: Generator) -> None:
    with pytest.raises(InputError, match="mask_free: needs a masked token model such as muse; use sdedit"):
        generator.request("a dog", edit=MaskFree.of(picture()))
    with pytest.raises(InputError, match="8x16 pixels, the model edits 16x16"):
        generator.request("a dog", edit=SDEdit.of(picture()[:, :8]))
