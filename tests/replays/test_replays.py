"""Pictures of an earlier version, with its names of guidances and samplers, replay to the last bit.

``pictures/`` was drawn by commit 2b2f656 in this folder, by the models of ``models/``; every record says how.
"""

from __future__ import annotations

import functools
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from limn import models, studio
from limn.kernel import registry
from limn.models.environment import facts
from limn.networks.weights import read_tensors, write_tensors
from limn.store import read_record

HERE = Path(__file__).parent
PICTURES = sorted(HERE.glob("pictures/*.png"))
GUIDANCES = {
    "art", "classifier_free", "clip", "composed", "image", "interleaved", "model_based", "paint_with_words",
    "perturbed", "plus_plus", "projected", "rescale", "safety", "structured", "threshold", "token_weights",
}  # fmt: skip
SAMPLERS = {"ancestral", "ddim", "dpm", "euler", "heun", "next_token", "resample", "unmask"}
# How far, of 255, a channel may be from a picture of another kind of machine; there, another token may be drawn.
LARGEST = {"native": 3, "sd": 3, "muse": 255, "parti": 255}


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Records name models and files from this folder."""
    monkeypatch.chdir(HERE)


load = functools.cache(models.load)


def replay(path: Path, model: str | None = None) -> studio.Replay:
    *_, replayed = studio.replay(path, load, model=model)
    assert isinstance(replayed, studio.Replay)
    return replayed


def equal_machine(record: dict[str, Any]) -> bool:
    before, now = record["circumstances"], facts("cpu")
    return (before["device"], before["versions"]["torch"]) == (now["device"], now["versions"]["torch"])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["native", "muse", "parti", "sd"])
def test_pictures_replay(family: str) -> None:
    if family == "sd" and not importlib.util.find_spec("diffusers"):
        pytest.skip("needs diffusers")
    pictures = [path for path in PICTURES if path.stem.split("_")[0] == family]
    assert pictures
    differ = {}
    for path in pictures:
        replayed = replay(path)
        most = 0 if equal_machine(read_record(path)) else LARGEST[family]
        if replayed.largest > most or any("weights" in cause for cause in replayed.causes):
            differ[path.name] = (replayed.largest, replayed.changed, replayed.causes)
    assert not differ


def names(value: Any) -> set[str]:
    """Return the names of a part and of those within it."""
    if isinstance(value, dict):
        return {value["name"]}.union(*(names(inner) for inner in value.values())) if "name" in value else set()
    return set().union(*(names(inner) for inner in value)) if isinstance(value, list) else set()


def test_every_earlier_name_is_among_them() -> None:
    requests = [read_record(path)["request"] for path in PICTURES]
    assert set().union(*(names(request["guidance"]) for request in requests)) == GUIDANCES
    assert {request["sampler"]["name"] for request in requests} == SAMPLERS
    for name in GUIDANCES:
        registry.find("guidance", name)
    for name in SAMPLERS:
        registry.find("samplers", name)


def test_a_folder_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = HERE / "pictures" / "native.png"
    shutil.copytree("models/native", tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    replayed = replay(path, str(tmp_path / "moved"))
    assert replayed.same or not equal_machine(read_record(path))


def test_other_weights_are_said(tmp_path: Path) -> None:
    path = HERE / "pictures" / "native.png"
    folder = Path(shutil.copytree("models/native", tmp_path / "other"))
    tensors = {name: tensor + 0.01 for name, tensor in read_tensors(folder / "model.safetensors").items()}
    write_tensors(folder / "model.safetensors", tensors)
    replayed = replay(path, str(folder))
    assert not replayed.same
    needed = read_record(path)["request"]["weights"]
    assert any("models/native" in cause and needed in cause for cause in replayed.causes)
