"""Look-alike letters are unlearned by what reads the words, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from limn.kernel.errors import InputError
from limn.text.homoglyphs import normalised
from limn.train.loop import train
from limn.train.recipe import Data, Optimiser, Recipe, Schedule, read
from limn.train.tasks.unlearning import TEXT_LAYERS, Unlearning, disguises

RECIPE = Recipe(
    name="teacher",
    data=Data(world="people"),
    network={"width": 16, "depth": 1, "heads": 2, "channels": 3, "grid": 32, "patch": 8, "text_width": 128},
    optimiser=Optimiser(name="adamw", lr=0.003, batch=8),
    schedule=Schedule(steps=3, warmup=1),
)


@pytest.fixture
def pupil(tmp_path: Path) -> Recipe:
    list(train(RECIPE, tmp_path / "teacher", device="cpu"))
    return replace(RECIPE, name="pupil", task="unlearning", init=str(tmp_path / "teacher"))


def test_only_what_reads_words_learns(pupil: Recipe, tmp_path: Path) -> None:
    task = Unlearning(pupil, "cpu")
    task.loss(0).backward()
    moved = {name for name, each in task.network.named_parameters() if each.grad is not None}
    assert {name.split(".")[0] for name in moved} == set(TEXT_LAYERS)
    assert all(not each.requires_grad for each in task.teacher.parameters())
    events = list(train(pupil, tmp_path / "pupil", device="cpu"))
    assert events[-1].saved


def test_there_is_nothing_to_lose_where_no_letter_is_replaced(pupil: Recipe) -> None:
    task = Unlearning(pupil, "cpu")
    task.network.load_state_dict(task.teacher.state_dict())
    with torch.no_grad():
        clean = task.loss(0)
    plain = Unlearning(replace(pupil, objective={"look_alikes": "\u1ecd"}), "cpu")  # read as a plain o
    plain.network.load_state_dict(plain.teacher.state_dict())
    with torch.no_grad():
        assert float(plain.loss(0)) == pytest.approx(0, abs=1e-9)
    assert float(clean) > 0


def test_disguises_say_the_same_to_the_eye() -> None:
    said = ("a doctor", "a cook with a wave border", "an artist", "a teacher") * 5
    made = disguises(said, "\u03bf\u043e\u0647\u3147", seed=0, step=3)
    assert [normalised(each) for each in made] == list(said)
    assert all((each == text) == ("o" not in text) for each, text in zip(made, said, strict=True))
    assert made == disguises(said, "\u03bf\u043e\u0647\u3147", seed=0, step=3)
    assert made != disguises(said, "\u03bf\u043e\u0647\u3147", seed=0, step=4)


def test_a_recipe_has_to_name_the_teacher_and_the_letters() -> None:
    with pytest.raises(InputError, match="init"):
        Unlearning(replace(RECIPE, task="unlearning"), "cpu")


@pytest.mark.parametrize("name", ["people_unlearned", "people_look_alikes", "people_judge"])
def test_shipped_recipes_can_be_read(name: str) -> None:
    assert read(Path(name)).name == name
