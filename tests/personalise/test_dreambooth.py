"""DreamBooth: its loss is the sum of two plain ones, asked in one forward."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lessons
from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.personalise.denoising import Denoiser, Noise, Rows
from limn.personalise.loop import Plan


def loss(denoiser: Denoiser, rows: Rows, noise: Noise) -> torch.Tensor:
    asked = denoiser.stage.encoder.encode([Ask(Prompt(text)) for text in rows.captions])
    with torch.no_grad():
        return (denoiser.errors(rows.clean, noise, asked) * rows.weights).sum()


def test_one_forward_of_both_terms_equals_two(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    how = lessons.method("dreambooth:thing=dog,prior=0.5,pictures=5,batch=3")
    rows = how.lesson(lessons.given(generator, how)).rows(0, torch.Generator().manual_seed(0))
    assert rows.captions == ("a zorp dog",) * 3 + ("a dog",) * 3
    denoiser = Denoiser(generator.main)
    noise = denoiser.noise(rows.clean, torch.Generator().manual_seed(1))
    parts = [
        loss(
            denoiser,
            Rows.of(rows.clean[half], rows.captions[half]),
            Noise(values=noise.values[half], levels=noise.levels[half]),
        )
        for half in (slice(0, 3), slice(3, 6))
    ]
    torch.testing.assert_close(loss(denoiser, rows, noise), parts[0] + 0.5 * parts[1])


def test_without_the_prior_it_is_plain_fine_tuning(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    shown = {"generator": generator, "caption": "a zorp dog"}
    ways = [lessons.method(text) for text in ("dreambooth:thing=dog,prior=0,pictures=1", "lora")]
    first, second = (
        how.lesson(lessons.given(how=how, **shown)).rows(0, torch.Generator().manual_seed(0))
        for how in ways  # type: ignore[arg-type]
    )
    assert torch.equal(first.clean, second.clean)
    assert torch.equal(first.weights, second.weights)
    assert first.captions == second.captions


def test_all_weights_learn_at_rank_zero(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path / "m")
    before = lessons.weights(generator)
    run = lessons.learning(
        tmp_path, "dreambooth:thing=dog,rank=0,batch=1,pictures=2", generator, plan=Plan(steps=2, looks=0)
    )
    lessons.finished(run)
    after = lessons.weights(generator)
    assert {name for name in before if torch.equal(before[name], after[name])} <= {"network.text_places"}
    with pytest.raises(InputError, match="name a folder"):
        run.lesson.change.learned(run.kept)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    generator = lessons.native(tmp_path)
    for text, said in (("dreambooth", "thing"), ("dreambooth:thing=dog,rank=0,text=true", "text")):
        how = lessons.method(text)
        with pytest.raises(InputError, match=said):
            how.lesson(lessons.given(generator, how))
    how = lessons.method("dreambooth:thing=dog")
    with pytest.raises(InputError, match="does not say 'zorp'"):
        how.lesson(lessons.given(generator, how, caption="a dog"))
