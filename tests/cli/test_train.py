from __future__ import annotations

from pathlib import Path

import pytest

from limn.train import export, loop

RECIPE = """
name = "tiny"
[data]
world = "shapes"
[network]
width = 32
depth = 2
heads = 2
channels = 3
grid = 32
patch = 4
text_width = 128
[optimiser]
batch = 2
[schedule]
steps = 2
[saving]
sheet_minutes = 0
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A training loop that only says what it was asked, and how it ended."""
    asked: dict[str, object] = {}

    def train(recipe, out, **options):  # type: ignore[no-untyped-def]
        asked.update(options, recipe=recipe, out=out)
        try:
            for step in range(1, 5):
                done = {"progress": step / 4, "loss": 0.5, "rate": 40.0, "seconds": step, "eta": 4.0 - step}
                sheet = Path("sheet.png") if step == 2 else None
                yield loop.Progress(step=step, sheet=sheet, scores={"right": 0.25} if sheet else {}, **done)
            asked["end"] = "whole"
        except GeneratorExit:
            asked["end"] = "saved"
            raise

    monkeypatch.setattr(loop, "train", train)
    return asked


def test_train_runs_a_recipe_and_prints_the_folder(limn, recipe, steps) -> None:
    result = limn("train", recipe)
    assert result.code == 0
    assert result.lines == ["runs/train/tiny"]
    assert "limn: step 2, sheet.png, right 0.25" in result.err
    assert (steps["resume"], steps["device"], steps["end"]) == (True, None, "whole")


def test_options_change_the_recipe(limn, recipe, steps) -> None:
    result = limn("train", recipe, "--out", "there", "--minutes", 1.5, "--no-resume", "--device", "cpu")
    assert result.lines == ["there"]
    schedule = steps["recipe"].schedule  # type: ignore[attr-defined]
    assert (schedule.minutes, schedule.steps) == (1.5, 0)
    assert (steps["resume"], steps["device"]) == (False, "cpu")


def test_values_of_the_recipe_are_set_one_by_one(limn, recipe, steps) -> None:
    result = limn("train", recipe, "--set", "optimiser.lr=0.002", "--set", "objective.time_mean=1.2")
    assert result.code == 0
    plan = steps["recipe"]
    assert (plan.optimiser.lr, plan.objective) == (0.002, {"time_mean": 1.2})  # type: ignore[attr-defined]
    wrong = limn("train", recipe, "--set", "objective.time_meen=1.2")
    assert wrong.code == 2
    assert "did you mean 'objective.time_mean'?" in wrong.err


def test_export_writes_a_model_folder(limn, recipe, steps, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(export, "export", lambda *arguments, **options: written.append((*arguments, options)))
    result = limn("train", recipe, "--export", "model")
    assert result.lines == ["model"]
    assert written == [(Path("runs/train/tiny"), Path("model"), {"force": False, "length": None})]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("", ""), "nowhere.toml"),
        (('name = "tiny"', 'name = "tiny'), "tiny.toml"),
        (("[optimiser]", "[optimizer]"), "did you mean 'optimiser'"),
        (("batch = 2", "batch = 0"), "batch"),
        (("batch = 2", "batch = nan"), "batch"),
    ],
)
def test_a_bad_recipe_is_one_line(limn, recipe, change, said) -> None:
    recipe.write_text(RECIPE.replace(*change))
    result = limn("train", recipe if change[0] else "nowhere.toml")
    assert result.code == 2
    assert result.err.startswith("limn: error: ")
    assert said in result.err
    assert result.err.count("\n") == 1
