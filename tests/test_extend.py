"""docs/how-to/extend.md as it stands, and a guidance of one's own: record, replay, and what is said without it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import fresh
from limn import models, studio
from limn.kernel.errors import InputError
from limn.store import Store

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "how-to" / "extend.md").read_text("utf-8")
MODULE = "limn_own_fog"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The page's class in a file of its own."""
    (tmp_path / f"{MODULE}.py").write_text(blocks("python")[0])
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return __import__(MODULE)


@pytest.mark.slow
def test_its_python_runs(tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text("\n".join(blocks("python")))
    environment = {"PYTHONPATH": str(fresh.SOURCE), "OMP_NUM_THREADS": "1", "PATH": ""}
    done = subprocess.run([sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "fog.png").exists()


def test_its_package_is_the_example() -> None:
    written, whole = (
        tomllib.loads(blocks("toml")[0]),
        tomllib.loads((ROOT / "examples/plugin/pyproject.toml").read_text()),
    )
    for key, value in written["project"]["entry-points"].items():
        assert value.items() <= whole["project"]["entry-points"][key].items()
    assert {key: whole["project"][key] for key in ("name", "version", "dependencies")} == {
        key: written["project"][key] for key in ("name", "version", "dependencies")
    }


@pytest.mark.slow
def test_a_guidance_of_ones_own_is_recorded_and_replays(module: Any, tmp_path: Path) -> None:
    generator = models.load(fresh.NATIVE)
    request = generator.request("a red heart", guide=[module.Fog(share=0.3)])
    assert request.record()["guidance"][-1] == {
        "name": "fog", "share": 0.3, "from": {"module": MODULE, "class": "Fog"}
    }  # fmt: skip
    (path,) = (
        event.path
        for event in studio.generate(generator, request, Store(tmp_path))
        if isinstance(event, studio.Drawn)
    )
    *_, replayed = studio.replay(path, models.load)
    assert replayed.same
    del sys.modules[MODULE]
    with pytest.raises(InputError, match=f"it is Fog of {MODULE}, not here; import that module first") as caught:
        list(studio.replay(path, models.load))
    assert "\n" not in str(caught.value)
    (result,) = fresh.limn(tmp_path, ["runs", "replay", path])
    assert (result.code, len(result.err.splitlines())) == (2, 1)
