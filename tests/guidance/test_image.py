"""Image guidance is the paper's update, for any number of steps."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.codecs.latents import Latents
from limn.codecs.pixels import Pixels
from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.image import Image, strength_from
from limn.kernel.attention import AttentionEdit
from limn.kernel.codec import Codec
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.sampler import Sampler
from limn.kernel.step import Step
from limn.samplers.ddim import DDIM
from limn.samplers.euler import Euler
from limn.samplers.heun import Heun

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
GUIDE = torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()).double() / 127.5 - 1


def png(pixels: np.ndarray) -> bytes:
    from PIL import Image as Pillow

    data = io.BytesIO()
    Pillow.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def picture(tmp_path: Path) -> str:
    (tmp_path / "guide.png").write_bytes(png(PIXELS))
    return str(tmp_path / "guide.png")


class Nothing:
    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        return Conditioning(torch.zeros(len(asks), 1, 1), torch.ones(len(asks), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, 0)]


class Model:
    space = "clean"

    def __init__(self, answer: Callable[[Tensor, Level], Tensor]) -> None:
        self.answer = answer

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        return self.answer(x, level)


def bent(x: Tensor, level: Level) -> Tensor:
    return torch.tanh(x + 0.2 * x.roll(1, -1)) * level.alpha


def idle(x: Tensor, level: Level) -> Tensor:
    """A model that sees no noise: without guidance x / alpha never changes."""
    return x / level.alpha


def cosine(steps: int) -> list[Level]:
    times = [math.pi / 2 * (steps - index) / steps for index in range(steps)]
    return [Level(math.cos(t), math.sin(t), t) for t in times] + [Level(1.0, 0.0, 0.0)]


def flow(steps: int) -> list[Level]:
    return [Level(1 - t, t, t) for t in (1 - index / steps for index in range(steps + 1))]


def exploding(steps: int) -> list[Level]:
    return [Level(1.0, 40.0 * (1 - index / steps) ** 3, 0.0) for index in range(steps + 1)]


def walk(
    guidances: Sequence[Guidance],
    levels: Sequence[Level],
    answer: Callable[[Tensor, Level], Tensor] = bent,
    *,
    sampler: Sampler | None = None,
    seeds: Sequence[int] = (0,),
    prompts: Sequence[Prompt] | None = None,
    codec: Codec | None = None,
    ledger: Ledger | None = None,
) -> list[Step]:
    streams = Streams(seeds)
    start = streams.normal((3, 8, 8)).double()
    asked = prompts or [Prompt()] * len(seeds)
    runner = Runner(Model(answer), Nothing(), asked, guidances, streams, codec=codec or Pixels(), ledger=ledger)
    return list((sampler or DDIM()).walk(runner, start, levels, streams))


@pytest.mark.parametrize("levels", [cosine(7), flow(7), exploding(7)], ids=["cosine", "flow", "exploding"])
@pytest.mark.parametrize("sampler", [DDIM(), Euler()])
@pytest.mark.parametrize("noised", [False, True])
def test_every_step_is_the_papers_update(picture: str, levels: list[Level], sampler: Sampler, noised: bool) -> None:
    """The loop as published: take the step, then move towards the guide."""
    part, x = Image(strength=1.5, picture=picture, noised=noised), Streams((0,)).normal((3, 8, 8)).double()
    angles = [2 / math.pi * math.atan2(level.sigma, level.alpha) for level in levels]
    for step, (here, there), (t, after) in zip(
        walk([part], levels, sampler=sampler), pairwise(levels), pairwise(angles), strict=True
    ):
        clean = bent(x, here)
        noise = (x - here.alpha * clean) / here.sigma
        x = there.alpha * clean + there.sigma * noise
        w = 1 - math.exp(-1.5 * (t**2 - after**2) / angles[0] ** 2)
        x = x + w * ((there.alpha * GUIDE + there.sigma * noise if noised else GUIDE) - x)
        assert torch.allclose(step.x, x, atol=1e-5)


@pytest.mark.parametrize("decay", ["linear", "none"])
@pytest.mark.parametrize("noised", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 5, 50, 400])
def test_what_survives_does_not_depend_on_the_steps(picture: str, steps: int, noised: bool, decay: str) -> None:
    part = Image(strength=1.3, picture=picture, noised=noised, decay=decay)
    start = Streams((0,)).normal((3, 8, 8)).double()
    final = walk([part], exploding(steps), idle)[-1].x
    assert torch.allclose(final, GUIDE + math.exp(-1.3) * (start - GUIDE), atol=1e-6)


def test_the_papers_weight_is_a_strength() -> None:
    assert math.exp(-strength_from(0.005, 1000)) == pytest.approx(0.082, abs=1e-4)
    w, steps = 0.4, 7
    assert math.exp(-strength_from(w, steps)) == pytest.approx(math.prod(1 - w * t / steps for t in range(steps)))
    assert math.exp(-strength_from(w, steps, "none")) == pytest.approx((1 - w) ** steps)
    half = 1 - (1 - w) ** (7 / 14)
    assert strength_from(half, 14, "none") == pytest.approx(strength_from(w, 7, "none"))
    assert strength_from(0.0, 1000) == 0
    with pytest.raises(InputError, match="w: 1"):
        strength_from(1.0, 10)


def test_at_the_papers_steps_the_weights_are_the_papers(picture: str) -> None:
    """At 1000 cosine steps w * t / T, to the half step between its sum and the integral."""
    part, memory = Image(strength=strength_from(0.005, 1000), picture=picture), {}
    levels = cosine(1000)
    for index in range(0, 1000, 100):
        here, there = levels[index], levels[index + 1]
        step = Step(index=index, total=1000, x=torch.zeros(1), level=here, next=there, memory=memory)
        _, pull = part._pull(step, torch.ones((), dtype=torch.float64))
        w = float(pull) * (there.alpha - there.sigma * here.alpha / here.sigma)
        assert w == pytest.approx(0.005 * (1000 - index - 0.5) / 1000, rel=5e-3)


def test_strength_zero_changes_nothing_and_the_largest_gives_the_guide(picture: str) -> None:
    plain = walk([], flow(4))
    assert torch.equal(walk([Image(strength=0, picture="nowhere.png")], flow(4))[-1].x, plain[-1].x)
    assert torch.allclose(walk([Image(strength=100, picture=picture)], flow(1))[-1].x, GUIDE[None], atol=1e-6)


def test_pulls_fade_towards_the_end(picture: str) -> None:
    part = Image(strength=2.0, picture=picture)
    far = [(step.x - GUIDE).norm() for step in walk([part], exploding(50), idle)]
    ratios = [after / before for before, after in pairwise(far)]
    assert ratios[-1] > 0.999
    assert min(ratios) < 0.97


def test_the_mask_says_where(picture: str, tmp_path: Path) -> None:
    grey = np.zeros((8, 8), np.uint8)
    grey[:, :4], grey[:, 4:6] = 255, 51
    (tmp_path / "mask.png").write_bytes(png(grey))
    masked = Image(strength=1.0, picture=picture, mask=str(tmp_path / "mask.png"))
    final = walk([masked], exploding(6), idle)[-1].x
    start = Streams((0,)).normal((3, 8, 8)).double()
    survives = torch.tensor([math.exp(-1.0)] * 4 + [math.exp(-0.2)] * 2 + [1.0] * 2, dtype=torch.float64)
    assert torch.allclose(final, GUIDE + survives * (start - GUIDE), atol=1e-6)
    assert torch.equal(final[..., 6:], walk([], exploding(6), idle)[-1].x[..., 6:])


def test_second_looks_agree_with_the_limit_of_small_steps(picture: str) -> None:
    """Heun asks again at the level it has reached; its walk comes near that of many Euler steps."""
    part = Image(strength=1.0, picture=picture)
    fine = walk([part], flow(600), sampler=Euler())[-1].x
    errors = {
        type(sampler).__name__: (walk([part], flow(20), sampler=sampler)[-1].x - fine).abs().max()
        for sampler in (Euler(), Heun())
    }
    assert errors["Heun"] < errors["Euler"]


class Halved:
    """Latents of half the side, the mean of each block."""

    channels, factor = 3, 2

    def encode(self, image: Tensor) -> Tensor:
        return F.avg_pool2d(image, 2)

    def decode(self, latents: Tensor) -> Tensor:
        return F.interpolate(latents, scale_factor=2)


def test_the_guide_goes_through_the_codec(tmp_path: Path) -> None:
    large = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    (tmp_path / "large.png").write_bytes(png(large))
    part, codec = Image(strength=100.0, picture=str(tmp_path / "large.png")), Latents(Halved(), std=(0.5,), patch=2)
    found = walk([part], flow(1), codec=codec)[-1].x
    image = torch.from_numpy(large.transpose(2, 0, 1).copy()).double()[None] / 127.5 - 1
    assert torch.allclose(found, F.avg_pool2d(image, 2) / 0.5, atol=1e-5)


def test_every_prompt_may_bring_its_own_picture(picture: str) -> None:
    other = png(255 - PIXELS)
    prompts = [Prompt("a", (png(PIXELS),)), Prompt("b", (other,))]
    part = Image(strength=100.0)
    found = walk([part], flow(1), seeds=(0, 1), prompts=prompts)[-1].x
    assert torch.allclose(found, torch.stack([GUIDE, -GUIDE]), atol=1e-5)
    part = Image(strength=0.7)
    together = walk([part, ClassifierFree(scale=2.0)], flow(3), seeds=(0, 1), prompts=prompts)[-1].x
    alone = walk([part, ClassifierFree(scale=2.0)], flow(3), seeds=(1,), prompts=prompts[1:])[-1].x
    assert torch.allclose(together[1:], alone)


def test_nothing_more_is_asked(picture: str) -> None:
    ledger = Ledger()
    walk([Image(picture=picture)], flow(3), ledger=ledger)
    assert [(each.rows, each.gradient) for each in ledger.forwards] == [(1, False)] * 3


def test_its_files_are_recorded() -> None:
    assert Image(picture="a.png", mask="b.png").files == ("a.png", "b.png")
    assert Image().files == Image(strength=0, picture="a.png").files == ()


def test_what_cannot_be_used(picture: str) -> None:
    with pytest.raises(InputError, match="picture: none for 'a cat'; give picture=FILE"):
        walk([Image()], flow(2), prompts=[Prompt("a cat")])
    with pytest.raises(InputError, match=r"mask: none\.png: no such file"):
        walk([Image(picture=picture, mask="none.png")], flow(2))
    for strength in (-0.1, 100.1, math.nan):
        with pytest.raises(InputError, match="strength"):
            Image(strength=strength)
