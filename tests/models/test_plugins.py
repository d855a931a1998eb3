"""Models, families and judges that an installed package adds."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limn import models
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.models import dual_encoders
from limn.studio import reranking
from toys import toy


class Bright:
    """Finds bright pictures near to everything."""

    name, weights, scale = "bright", "0" * 64, 1.0

    def __init__(self, *, device: str) -> None:
        self.device = device

    def images(self, pictures: list[Any]) -> np.ndarray[Any, Any]:
        return np.array([[picture.mean()] for picture in pictures], np.float32)

    def texts(self, texts: list[str]) -> np.ndarray[Any, Any]:
        return np.ones((len(texts), 1), np.float32)


def model(*, device: str) -> Generator:
    return toy()


def family(folder: Path, *, name: str, device: str) -> Generator:
    made = toy()
    made.name = f"{name} of {folder.name}"
    return made


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = types.ModuleType("a_package")
    module.__dict__.update(model=model, family=family, Bright=Bright)
    model.card = {"draws": "circles"}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_package", module)
    entries = [
        EntryPoint("toy", "a_package:model", "limn.models"),
        EntryPoint("gone", "a_package_that_is_gone:model", "limn.models"),
        EntryPoint("toys", "a_package:family", "limn.families"),
        EntryPoint("bright", "a_package:Bright", "limn.judges"),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: EntryPoints(entries).select(group=group))
    caches = (registry.plugins, registry.load)
    for cache in caches:
        cache.cache_clear()
    yield
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


def test_a_model_goes_by_the_name_of_its_entry() -> None:
    assert {"toy", "emoji"} <= set(models.names())
    assert "toy" not in models.shipped()
    loaded = models.load("toy")
    assert loaded.name == "toy"
    assert loaded.others.load is not None
    assert models.describe("toy")["draws"] == "circles"
    assert models.vocabulary("toy") is None


def test_a_folder_may_be_of_a_family_that_a_package_adds(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"family": "toys"}))
    assert models.load(tmp_path).name == f"{tmp_path} of {tmp_path.name}"
    (tmp_path / "config.json").write_text(json.dumps({"family": "tois"}))
    with pytest.raises(WeightsError, match="did you mean 'toys'"):
        models.load(tmp_path)


def test_a_broken_package_is_warned_of_once_and_named_when_it_is_asked_for() -> None:
    with pytest.warns(registry.PluginWarning, match="gone"):
        assert set(models.describe("gone")) == {"draws", "package"}
    with pytest.raises(InputError, match="gone: the package"):
        models.load("gone")


def test_a_judge_reranks(tmp_path: Path) -> None:
    from PIL import Image

    from limn.kernel.prompt import Prompt
    from limn.kernel.request import Request

    files = {index: tmp_path / f"{index}.png" for index in range(3)}
    for index, path in files.items():
        Image.new("RGB", (4, 4), (50 * index,) * 3).save(path)
    assert dual_encoders.load("bright").weights == "0" * 64
    asked = Request(model="toy", prompts=(Prompt("a"),), n=3)
    assert list(reranking.best(files, asked, 1, by="bright")) == [2]
