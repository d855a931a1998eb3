"""What ``pipx install limn`` brings: the wheel in a fresh environment draws, and serves."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import installed
from limn.store import read_record

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed.build(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src"], cwd=installed.ROOT, capture_output=True, text=True, check=True
    )
    wanted = {Path(line).relative_to("src").as_posix() for line in tracked.stdout.splitlines()}
    names = set(zipfile.ZipFile(wheel).namelist())
    assert len(wanted) > 400
    assert any(name.endswith(".safetensors") for name in wanted)
    assert not wanted - names


def test_the_core_draws_a_red_heart_and_says_what_is_not_there(wheel: Path, tmp_path: Path) -> None:
    programs = installed.install(wheel, tmp_path / "environment")

    def limn(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(programs / "limn"), *words], cwd=tmp_path, env=installed.environment(tmp_path),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    drawn = limn("generate", "a red heart")
    assert drawn.returncode == 0, drawn.stderr
    path = tmp_path / drawn.stdout.strip()
    pixels = np.asarray(Image.open(path)).astype(int)
    assert ((pixels[..., 0] - pixels[..., 1:].max(axis=2)) > 80).mean() > 0.1  # it is red
    provenance = read_record(path)["provenance"]
    assert provenance["credential"] == "not signed: c2pa is not installed (limn[provenance])"
    served = limn("serve")
    assert served.returncode == 2
    assert "install limn[studio]" in served.stderr
