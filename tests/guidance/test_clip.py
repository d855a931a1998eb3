"""CLIP guidance climbs its guide's score, by every path, and leaves alone what it should."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torch import Tensor

from limn.guidance.classifier_free import ClassifierFree
from limn.guidance.clip import Clip
from limn.io.files import sha256_of
from limn.kernel.attention import AttentionEdit
from limn.kernel.errors import InputError
from limn.kernel.guidance import Guidance, hashes
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
SMALL = {"size": 16, "widths": [16], "blocks": [1], "width": 16, "heads": 2, "depth": 1, "out": 24}
PROMPTS = ["a red heart", "a blue house"]


class Lengths:
    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        said = [0.0 if "text" in ask.drop else len(ask.prompt.text) for ask in asks]
        return Conditioning(torch.tensor(said)[:, None, None], torch.ones(len(asks), 1, dtype=torch.bool))

    def unread(self, text: str) -> str:
        return ""

    def spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class Model:
    space = "clean"

    def __call__(
        self, x: Tensor, level: Level, conditioning: Conditioning, edits: Sequence[AttentionEdit | None]
    ) -> Tensor:
        return torch.tanh(x + 0.2 * x.roll(1, -1) + 0.01 * conditioning.tokens[:, 0, :, None, None])


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, str]:
    """A small guide of pictures, and one that reads noise."""
    return {noisy: made(tmp_path_factory.mktemp("guide"), noisy=noisy) for noisy in (False, True)}


def made(folder: Path, **changes: object) -> str:
    torch.manual_seed(0)
    network = DualEncoder.from_config({**SMALL, **changes})
    state = {
        name: torch.randn(each.shape) / each[0].numel() ** 0.5 if each.ndim > 1 else each
        for name, each in network.state_dict().items()
    }
    write_tensors(folder / WEIGHTS, state)
    (folder / CONFIG).write_text(json.dumps(asdict(network.config)))
    return str(folder)


def run(
    guidances: Sequence[Guidance],
    *,
    prompts: Sequence[str] = PROMPTS,
    seeds: Sequence[int] = (0, 1),
    x: Tensor | None = None,
    level: Level = LEVEL,
) -> tuple[Tensor, Ledger]:
    ledger, streams = Ledger(), Streams(seeds)
    asked = [Prompt(text) for text in prompts]
    runner = Runner(Model(), Lengths(), asked, guidances, streams, ledger=ledger)
    x = streams.normal((3, 16, 16)) if x is None else x
    return runner(Step(index=0, total=2, x=x, level=level, next=Level(1.0, 0.0, 0.0))), ledger


def fit(folder: str, pictures: Tensor, texts: Sequence[str] = PROMPTS) -> Tensor:
    guide = Guide.load(folder, Step(index=0, total=1, x=pictures, level=LEVEL, next=LEVEL))
    return guide.network.scale * (guide.pictures(pictures) * guide.texts(texts)).sum(1)


@pytest.mark.parametrize("through", ["model", "clean"])
def test_the_step_is_the_gradient_of_the_logit(folders: dict[bool, str], through: str) -> None:
    base, x = run([])[0], Streams((0, 1)).normal((3, 16, 16)).requires_grad_(True)
    found = run([Clip(guide=folders[False], scale=2.0, through=through)])[0]
    said = torch.tensor([float(len(text)) for text in PROMPTS])[:, None, None, None]
    clean = torch.tanh(x + 0.2 * x.roll(1, -1) + 0.01 * said)
    (slope,) = torch.autograd.grad(fit(folders[False], clean).sum(), x if through == "model" else clean)
    factor = LEVEL.sigma**2 / LEVEL.alpha if through == "model" else LEVEL.sigma**2
    assert torch.allclose(found, base + 2.0 * factor * slope, atol=1e-5)


def test_the_gradient_equals_finite_differences(folders: dict[bool, str]) -> None:
    """Along the step itself, where the score rises by its squared length."""
    base = run([])[0]
    shift = run([Clip(guide=folders[False], scale=1.0)])[0] - base
    slope, size = shift / LEVEL.sigma**2, 0.02
    way = slope / slope.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    rise = (fit(folders[False], base + size * way) - fit(folders[False], base - size * way)) / (2 * size)
    assert torch.allclose(rise, slope.flatten(1).norm(dim=1), rtol=1e-2)


def test_a_guide_of_noise_is_differentiated_by_the_noisy_state(folders: dict[bool, str]) -> None:
    x = Streams((0, 1)).normal((3, 16, 16)).requires_grad_(True)
    step = Step(index=0, total=2, x=x, level=LEVEL, next=LEVEL)
    guide = Guide.load(folders[True], step)
    score = guide.network.scale * (guide.noisy(x, step) * guide.texts(PROMPTS)).sum()
    (slope,) = torch.autograd.grad(score, x)
    for through in ("model", "clean"):
        found, ledger = run([Clip(guide=folders[True], scale=2.0, noisy=True, through=through)])
        assert torch.allclose(found, run([])[0] + 2.0 * LEVEL.sigma**2 / LEVEL.alpha * slope, atol=1e-5)
        assert [each.gradient for each in ledger.forwards] == [False], "no gradient passes the model"
    pure = Level(0.0, 1.0, 1.0)
    assert torch.equal(run([Clip(guide=folders[True], noisy=True)], level=pure)[0], run([], level=pure)[0])


def test_repeated_steps_raise_the_fit(folders: dict[bool, str]) -> None:
    part, x = Clip(guide=folders[False], scale=0.02, normalise=True), run([])[0]
    scores = [fit(folders[False], x)]
    for _ in range(5):
        with_clip, without = run([part], x=x)[0], run([], x=x)[0]
        x = x + with_clip - without
        scores.append(fit(folders[False], x))
    assert (scores[-1] > scores[0]).all()


@pytest.mark.parametrize("through", ["model", "clean"])
def test_scale_zero_reads_no_guide_and_changes_nothing(through: str) -> None:
    found, ledger = run([Clip(guide="nowhere", scale=0.0, through=through)])
    assert torch.equal(found, run([])[0])
    assert [(each.rows, each.gradient) for each in ledger.forwards] == [(2, False)]


def test_pictures_are_guided_each_by_its_own_words(folders: dict[bool, str]) -> None:
    part = Clip(guide=folders[False])
    together = run([part])[0]
    alone = run([part], prompts=PROMPTS[1:], seeds=(1,))[0]
    assert torch.allclose(together[1:], alone, atol=1e-5)
    swapped = run([part], prompts=PROMPTS[::-1])[0]
    assert not torch.allclose(together - run([])[0], swapped - run([], prompts=PROMPTS[::-1])[0], atol=1e-4)


def test_other_words_take_the_place_of_the_prompts(folders: dict[bool, str]) -> None:
    said = Clip(guide=folders[False], text=PROMPTS[0])
    own = Clip(guide=folders[False])
    assert torch.equal(run([said])[0][:1], run([own])[0][:1])
    assert not torch.equal(run([said])[0][1:], run([own])[0][1:])


def test_a_picture_without_words_is_left_alone(folders: dict[bool, str]) -> None:
    for normalise in (False, True):
        part = Clip(guide=folders[False], normalise=normalise)
        found, base = run([part], prompts=["", PROMPTS[1]])[0], run([], prompts=["", PROMPTS[1]])[0]
        assert torch.equal(found[0], base[0])
        assert not torch.equal(found[1], base[1])


def test_together_with_classifier_free_guidance(folders: dict[bool, str]) -> None:
    parts = [Clip(guide=folders[False], through="model"), ClassifierFree(scale=2.0)]
    found, ledger = run(parts)
    assert found.isfinite().all()
    assert {each.names: each.gradient for each in ledger.forwards} == {("main",): True, ("null",): False}
    assert torch.equal(found, run(parts[::-1])[0])


def test_the_guide_is_recorded_wherever_limn_is_installed(folders: dict[bool, str]) -> None:
    (name, found), *more = hashes([Clip()]).items()
    assert (name, more) == ("limn:weights/judge_a/model.safetensors", [])
    assert found == sha256_of(DualEncoder.locate("judge_a") / WEIGHTS)
    assert list(hashes([Clip(guide=folders[False])])) == [str(Path(folders[False]) / WEIGHTS)]
    assert Clip(guide="nowhere", scale=0).files == ()


def test_guides_that_cannot_be_used(folders: dict[bool, str]) -> None:
    with pytest.raises(InputError, match="unknown judge 'nobody'"):
        run([Clip(guide="nobody")])
    with pytest.raises(InputError, match="unknown judge 'nobody'"):
        hashes([Clip(guide="nobody")])
    with pytest.raises(InputError, match="was not trained on noise"):
        run([Clip(guide=folders[False], noisy=True)])
