"""A new part or drawing option is one file: put into a copy of limn, everything finds it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fresh
from limn.store import read_record

FOG = Path(__file__).parents[1] / "examples" / "plugin" / "src" / "limn_fog"
HOMES = {
    "guidance.py": "guidance/fog.py",
    "sampler.py": "samplers/steady.py",
    "reader.py": "audit/readers/haze.py",
    "study.py": "audit/studies/lighting.py",
}
"""Files of the example package, and where such a file stands within limn."""
HEART = ("generate", "a red heart", "--model", fresh.NATIVE, "--steps", "2")
FIELD = '    mood: str = option("", str, "A mood that nothing reads yet.")\n'

TASK = '''
"""Pictures to latents and back, with a fainter loss."""

from dataclasses import dataclass

from limn.train.card import About
from limn.train.tasks.autoencoder import Autoencoder, Autoencoding


@dataclass(frozen=True, kw_only=True)
class Fading(Autoencoding):
    """What it minimises.

    Args:
        strength: What the loss is multiplied by.
    """

    strength: float = 0.5


class Faint(Autoencoder):
    """Learning latents with a fainter loss."""

    Objective = Fading

    def loss(self, step):
        return self.objective.strength * super().loss(step)

    @classmethod
    def about(cls, recipe):
        return About(kind="Faintly learned latents", objective="faint")
'''
RECIPE = """
name = "faint"
task = "faint"
[data]
world = "shapes"
[network]
channels = 4
widths = [16, 16]
blocks = [1, 1]
[objective]
strength = 0.3
[optimiser]
batch = 2
[schedule]
steps = 2
[saving]
sheet_minutes = 0
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of limn's source; the weights are those that are there."""
    limn = fresh.SOURCE / "limn"
    shutil.copytree(limn, tmp_path / "src" / "limn", ignore=shutil.ignore_patterns("weights", "__pycache__"))
    (tmp_path / "src" / "limn" / "weights").symlink_to(limn / "weights")
    return tmp_path / "src"


@pytest.mark.slow
def test_a_part_is_one_file(copy: Path, tmp_path: Path) -> None:
    for name, home in HOMES.items():
        assert not (copy / "limn" / home).exists()
        shutil.copy(FOG / name, copy / "limn" / home)
    commands = (
        ["guide", "list"], ["sampler", "list"], ["reader", "list"], ["audit", "list"],
        ["guide", "show", "mist"], ["audit", "lighting:n=1", "--model", fresh.NATIVE, "--reader", "haze:below=30"],
        [*HEART, "--guide", "fog:share=0.5", "--sampler", "steady"], ["runs", "replay", "{last}"],
    )  # fmt: skip
    results = fresh.limn(tmp_path, *commands, source=copy)
    assert [result.code for result in results] == [0] * len(commands), [result.err for result in results]
    for result, name in zip(results[:4], ("fog", "steady", "haze", "lighting"), strict=True):
        assert name in [line.split()[0] for line in result.out.splitlines()]
    assert "How much of it fades, from 0 to 1." in results[4].out
    request = read_record(tmp_path / results[6].out.strip())["request"]
    assert request["sampler"] == {"name": "steady", "momentum": 0.2}
    assert request["guidance"][-1] == {"name": "fog", "share": 0.5}
    assert results[7].out.endswith("identical to the last bit\n")


@pytest.mark.slow
def test_a_training_task_is_one_file(copy: Path, tmp_path: Path) -> None:
    (copy / "limn" / "train" / "tasks" / "faint.py").write_text(TASK)
    (tmp_path / "faint.toml").write_text(RECIPE)
    command = ["train", "faint.toml", "--export", "model", "--device", "cpu"]
    (trained,) = fresh.limn(tmp_path, command, source=copy)
    assert (trained.code, trained.out) == (0, "model\n"), trained.err
    assert "strength" not in (copy / "limn" / "train" / "recipe.py").read_text("utf-8")
    assert "Faintly learned latents" in (tmp_path / "model" / "card.json").read_text("utf-8")
    (tmp_path / "faint.toml").write_text(RECIPE.replace("strength", "strenght"))
    (refused,) = fresh.limn(tmp_path, ["train", "faint.toml", "--out", "again"], source=copy)
    assert refused.code == 2
    assert "did you mean 'objective.strength'?" in refused.err


@pytest.mark.slow
def test_a_drawing_option_is_one_field(copy: Path, tmp_path: Path) -> None:
    path = copy / "limn" / "kernel" / "request.py"
    text, place = path.read_text("utf-8"), "    model: str = option("
    assert text.count(place) == 1
    path.write_text(text.replace(place, FIELD + place), "utf-8")
    (tmp_path / "request.toml").write_text('prompts = ["a red heart"]\nmood = "calm"\nsteps = 2\n')
    commands = (
        ["generate", "--help"], [*HEART, "--mood", "calm"], ["runs", "replay", "{last}"],
        ["generate", "--request", "request.toml", "--model", fresh.NATIVE], [*HEART, "--grid-x", "mood=calm,wild"],
    )  # fmt: skip
    results = fresh.limn(tmp_path, *commands, source=copy)
    assert [result.code for result in results] == [0] * len(commands), [result.err for result in results]
    shown, drawn, replayed, again, grid = results
    assert "A mood that nothing reads yet." in shown.out
    assert read_record(tmp_path / drawn.out.strip())["request"]["mood"] == "calm"
    assert replayed.out.endswith("identical to the last bit\n")
    assert again.out == drawn.out, "a request file asks for the same run"
    records = [read_record(tmp_path / line) for line in grid.out.split()]
    assert {record["request"]["mood"] for record in records if "request" in record} == {"calm", "wild"}
