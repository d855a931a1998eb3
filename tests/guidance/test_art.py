"""MGAD's loss by its formula, its targets, and independence of neighbours."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from limn.guidance.art import Art
from limn.guidance.clip import Clip
from limn.kernel import registry
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance
from limn.kernel.level import Level
from limn.kernel.predictor import Ask, Conditioning
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger, Runner
from limn.kernel.step import Step
from limn.networks.dual_encoder import CONFIG, DualEncoder
from limn.networks.guides import Guide
from limn.networks.shipped import WEIGHTS
from limn.networks.weights import write_tensors

LEVEL = Level(alpha=0.8, sigma=0.6, time=500.0)
SMALL = {"size": 8, "widths": [16], "blocks": [1], "width": 16, "heads": 2, "depth": 1, "out": 24}
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
PLAIN = {"total_variation": 0.0, "normalise": False, "scale": 1.0, "cuts": 4}


class Nothing:
    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        return Conditioning(torch.zeros(len(asks), 1, 1), torch.ones(len(asks), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, 0)]


class Model:
    space = "clean"

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        return torch.tanh(x + 0.2 * x.roll(1, -1))


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small guide, and a target picture beside it."""
    folder = tmp_path_factory.mktemp("guide")
    torch.manual_seed(0)
    network = DualEncoder.from_config(SMALL)
    state = {
        name: torch.randn(each.shape) / each[0].numel() ** 0.5 if each.ndim > 1 else each
        for name, each in network.state_dict().items()
    }
    write_tensors(folder / WEIGHTS, state)
    (folder / CONFIG).write_text(json.dumps(asdict(network.config)))
    (folder / "style.png").write_bytes(png(PIXELS))
    return folder


def run(
    guidances: Sequence[Guidance],
    prompts: Sequence[str | Prompt] = ("a heart", "a house"),
    *,
    seeds: Sequence[int] = (0, 1),
    ledger: Ledger | None = None,
    **changes: object,
) -> Tensor:
    streams = Streams(seeds)
    asked = [each if isinstance(each, Prompt) else Prompt(each) for each in prompts]
    runner = Runner(Model(), Nothing(), asked, guidances, streams, ledger=ledger)
    step = Step(index=0, total=2, x=streams.normal((3, 16, 16)), level=LEVEL, next=Level(1.0, 0.0, 0.0))
    return runner(replace(step, **changes))  # type: ignore[arg-type]


def guide_of(folder: Path) -> Guide:
    return Guide.load(str(folder), Step(index=0, total=1, x=torch.zeros(1), level=LEVEL, next=LEVEL))


def looks(folder: Path, pictures: Tensor, purpose: str, seeds: Sequence[int] = (0, 1)) -> Tensor:
    """What the guide sees in the cut-outs of MGAD, one by one."""
    draws, guide, rows = Streams(seeds).fork(purpose).uniform((4, 3)), guide_of(folder), []
    for picture, numbers in zip(pictures, draws.tolist(), strict=True):
        for u, v, w in numbers:
            side = int(u**0.5 * (16 - 7) + 7)
            top, left = int(v * (16 - side + 1)), int(w * (16 - side + 1))
            square = picture[:, top : top + side, left : left + side]
            rows.append(guide.pictures(F.adaptive_avg_pool2d(square, 8)[None])[0])
    return torch.stack(rows).view(len(pictures), 4, -1)


def half_square(one: Tensor, other: Tensor) -> Tensor:
    return 2 * ((one - other).norm(dim=-1) / 2).arcsin() ** 2


def moved(part: Art, *prompts: str | Prompt) -> Tensor:
    """The gradient that the guidance took, from its step."""
    prompts = prompts or ("a heart", "a house")
    return (run([part], prompts) - run([], prompts)) / LEVEL.sigma**2


def test_the_step_is_the_gradient_of_the_published_loss(folder: Path) -> None:
    clean = run([]).requires_grad_(True)
    guide = guide_of(folder)
    words, more = guide.texts(["a cat"]), guide.texts(["blue"])
    style = torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()).float() / 127.5 - 1
    pictures = looks(folder, style.expand(2, -1, -1, -1), "art target 2").detach()
    seen = looks(folder, clean, "art 0")
    loss = 2 * half_square(seen, words[None]) - 0.5 * half_square(seen, more[None])
    loss = loss + half_square(seen[:, :, None], pictures[:, None]).mean(2)
    distance = loss.mean(1) / 2.5
    right = torch.cat([clean, clean[..., -1:]], 3).diff(dim=3)
    below = torch.cat([clean, clean[..., -1:, :]], 2).diff(dim=2)
    smooth = (right**2 + below**2).mean((1, 2, 3))
    beyond = ((clean - clean.clamp(-1, 1)) ** 2).mean((1, 2, 3))
    (slope,) = torch.autograd.grad((distance + 0.3 * smooth + 0.7 * beyond).sum(), clean)
    part = Art(
        guide=str(folder), texts=("a cat:2", "blue:-0.5"), pictures=(str(folder / "style.png"),),
        **{**PLAIN, "total_variation": 0.3}, range_loss=0.7,
    )  # fmt: skip
    assert torch.allclose(moved(part), -slope, atol=1e-5)


def test_weights_one_and_zero_are_single_targets_and_their_size_plays_no_part(folder: Path) -> None:
    def towards(*texts: str) -> Tensor:
        return moved(Art(guide=str(folder), texts=texts, **PLAIN))

    assert torch.allclose(towards("a cat:1", "blue:0"), towards("a cat"), atol=1e-6)
    assert torch.allclose(towards("a cat:0", "blue:1"), towards("blue"), atol=1e-6)
    assert torch.allclose(towards("a cat:3", "blue:1"), towards("a cat:0.75", "blue:0.25"), atol=1e-6)
    mixed = 0.75 * towards("a cat") + 0.25 * towards("blue")
    assert torch.allclose(towards("a cat:3", "blue:1"), mixed, atol=1e-6)


def test_without_targets_those_of_the_prompt(folder: Path) -> None:
    part = Art(guide=str(folder), **PLAIN)
    said = moved(Art(guide=str(folder), texts=("a heart",), **PLAIN))
    own = moved(part, "a heart", "a house")
    assert torch.allclose(own[0], said[0], atol=1e-6)
    assert not torch.allclose(own[1], said[1], atol=1e-5)
    shown = Prompt("a heart", (png(PIXELS),), weights=(1.0, 3.0))
    both = Art(guide=str(folder), texts=("a heart",), pictures=(f"{folder / 'style.png'}:3",), **PLAIN)
    assert torch.allclose(moved(part, shown, shown), moved(both), atol=1e-6)


def test_a_picture_without_targets_is_left_alone(folder: Path) -> None:
    part = Art(guide=str(folder), cuts=2)
    found = run([part], ["", "a house"])
    assert torch.equal(found[0], run([], ["", "a house"])[0])
    assert found.isfinite().all()
    assert torch.equal(run([part], ["", " "]), run([], ["", " "]))


@pytest.mark.parametrize("through", ["model", "clean"])
def test_a_picture_does_not_depend_on_its_neighbours(folder: Path, through: str) -> None:
    style = (str(folder / "style.png"),)
    part = Art(guide=str(folder), texts=("a cat",), pictures=style, cuts=3, through=through)
    assert torch.allclose(run([part])[1:], run([part], ["a house"], seeds=(1,)), atol=1e-5)
    own = Art(guide=str(folder), cuts=3, through=through)
    shown = Prompt("a cat", (png(PIXELS),))
    together = run([own], ["a heart", shown])
    assert torch.allclose(together[1:], run([own], [shown], seeds=(1,)), atol=1e-5)
    assert torch.allclose(together[:1], run([own], ["a heart"], seeds=(0,)), atol=1e-5)


def test_cut_outs_are_new_at_every_step_and_the_same_in_every_run(folder: Path) -> None:
    part = Art(guide=str(folder), **PLAIN)
    assert torch.equal(run([part]), run([part]))
    assert not torch.equal(run([part]), run([part], index=1))


def test_the_noise_of_the_walk_is_not_used_up(folder: Path) -> None:
    streams = Streams((0,))
    runner = Runner(Model(), Nothing(), [Prompt("a cat")], [Art(guide=str(folder), cuts=2)], streams)
    runner(Step(index=0, total=2, x=torch.zeros(1, 3, 16, 16), level=LEVEL, next=LEVEL))
    assert torch.equal(streams.normal((4,)), Streams((0,)).normal((4,)))


@pytest.mark.parametrize("through", ["model", "clean"])
def test_scale_zero_is_the_baseline_and_asks_nothing(through: str) -> None:
    ledger = Ledger()
    assert torch.equal(run([Art(guide="nowhere", scale=0, through=through)], ledger=ledger), run([]))
    assert [(each.rows, each.gradient) for each in ledger.forwards] == [(2, False)]


def test_together_with_clip_one_forward_serves_both(folder: Path) -> None:
    ledger = Ledger()
    parts = [Art(guide=str(folder), cuts=2, through="model"), Clip(guide=str(folder), through="model")]
    assert run(parts, ledger=ledger).isfinite().all()
    assert [(each.rows, each.gradient) for each in ledger.forwards] == [(2, True)]


def test_repeated_steps_come_nearer_to_a_target_picture(folder: Path) -> None:
    part = Art(guide=str(folder), pictures=(str(folder / "style.png"),), cuts=4, scale=0.3)
    style = torch.from_numpy(PIXELS.transpose(2, 0, 1).copy()).float() / 127.5 - 1
    target = looks(folder, style.expand(2, -1, -1, -1), "target").detach()
    x = run([])
    far = [half_square(looks(folder, x, "far")[:, :, None], target[:, None]).mean((1, 2))]
    for index in range(6):
        x = x + run([part], index=index, x=x) - run([], x=x)
        far.append(half_square(looks(folder, x, "far")[:, :, None], target[:, None]).mean((1, 2)))
    assert (far[-1] < far[0]).all()


def test_options_as_text(folder: Path) -> None:
    part = registry.parse("guidance", "art:texts=a red heart:2|12 houses,pictures=a.png:0.5,cuts=3")
    assert part == Art(texts=("a red heart:2", "12 houses"), pictures=("a.png:0.5",), cuts=3)


def test_its_files_are_recorded(folder: Path) -> None:
    part = Art(guide=str(folder), pictures=("a.png:2", "b.png"))
    assert part.files == (str(folder / WEIGHTS), "a.png", "b.png")
    assert Art(scale=0, guide="nowhere", pictures=("a.png",)).files == ()


def test_what_cannot_be_used(folder: Path) -> None:
    wrong = [{"texts": ("a:1", "b:-1")}, {"cuts": 0}, {"smallest": 0.0}]
    for options in (*wrong, {"total_variation": -1.0}, {"range_loss": math.inf}):
        with pytest.raises(InputError):
            Art(**options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"pictures: none\.png: no such file"):
        run([Art(guide=str(folder), pictures=("none.png:2",))])
