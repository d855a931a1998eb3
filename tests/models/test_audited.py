"""Models of more than words are audited as any other, by the same commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import streams
from limn import cli

pytestmark = pytest.mark.slow
STUDIES = ("stereotypes:world=pictograms,only=nurse", "homoglyphs", "memorisation")


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return streams.family(tmp_path_factory.mktemp("family"))


@pytest.mark.parametrize("name", ["dalle2", "reimagen"])
@pytest.mark.parametrize("study", STUDIES)
def test_audits_run_unchanged(
    family: dict[str, Path], name: str, study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.run(["audit", study, "--model", str(family[name]), "--n", "2", "--out", str(tmp_path / "a")])
    assert code == 0, capsys.readouterr().err
    report = json.loads((tmp_path / "a" / "report.json").read_text("utf-8"))
    assert report["pictures"]["asked"] == report["pictures"]["drawn"] > 0
