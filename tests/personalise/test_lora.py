"""Low-rank fine-tuning: what is frozen stays, what is new begins as nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import lessons
import small_models
from limn.kernel.errors import InputError
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.personalise.denoising import Denoiser
from limn.personalise.loop import Plan


@pytest.mark.parametrize("kind", ["native", "stable_diffusion"])
def test_fresh_factors_change_nothing_and_learning_changes_nothing_else(kind: str, tmp_path: Path) -> None:
    generator = getattr(small_models, kind)(tmp_path / "m")
    before = lessons.weights(generator)
    run = lessons.learning(tmp_path, "lora:batch=2,rank=2", generator, plan=Plan(steps=2, looks=0), caption="a dog")
    denoiser, clean = Denoiser(generator.main), run.lesson.held.clean
    noise = denoiser.fixed_noise(clean, 0)
    asked = generator.main.encoder.encode([Ask(Prompt("a dog"))] * len(clean))
    with torch.no_grad():
        plain = denoiser.answers(clean, noise, asked)
        with run.lesson.change.on():
            assert torch.equal(denoiser.answers(clean, noise, asked), plain)
    lessons.finished(run)
    after = lessons.weights(generator)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    ups = [tensor for name, tensor in run.kept.items() if name.endswith(".up")]
    assert ups
    assert all(tensor.abs().max() > 0 for tensor in ups)
    with torch.no_grad():
        assert torch.equal(denoiser.answers(clean, noise, asked), plain), "undone outside its context"


def test_text_layers_learn_where_there_are_any(tmp_path: Path) -> None:
    generator = small_models.stable_diffusion(tmp_path / "m")
    run = lessons.learning(
        tmp_path, "lora:batch=2,rank=2,text=true", generator, plan=Plan(steps=2, looks=0), caption="a dog"
    )
    lessons.finished(run)
    learned: Any = run.lesson.change.learned(run.kept)
    assert learned.changes.keys() == {"unet", "text_encoder"}
    assert all(change.up.abs().max() > 0 for change in learned.changes["text_encoder"].values())
    with pytest.raises(InputError, match="frozen vectors"):
        lessons.learning(tmp_path / "n", "lora:text=true", lessons.native(tmp_path / "n"), caption="a dog")


def test_a_picture_without_a_caption_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0\.png: has no caption"):
        lessons.learning(tmp_path, "lora", lessons.native(tmp_path / "m"))
