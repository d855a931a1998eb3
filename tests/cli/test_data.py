from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from limn.data import pictograms


def test_list_names_worlds_packages_and_licences(limn) -> None:
    result = limn("data", "list")
    assert result.code == 0
    for word in ("pictograms", "shapes", "@twemoji/svg 15.0.0", "CC-BY-4.0"):
        assert word in result.out


def test_build_reports_a_set_that_failed_and_goes_on(limn, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def build(out: Path, **options: object):  # type: ignore[no-untyped-def]
        asked.update(options, out=out)
        yield pictograms.Progress(stage="noto", done=0, total=0, note="failed: no [net]")
        yield pictograms.Progress(stage="flat", done=5, total=5)

    monkeypatch.setattr(pictograms, "build", build)
    result = limn("data", "build", "--set", "noto", "--set", "flat", "--size", 32, "--out", "d")
    assert result.code == 1
    assert result.lines == ["d"]
    assert "limn: noto: failed: no [net]" in result.err
    assert asked == {"sets": ["noto", "flat"], "size": 32, "tarballs": None, "force": False, "out": Path("d")}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build", "pictogram"], "did you mean 'pictograms'"),
        (["build", "--set", "notto"], "did you mean 'noto'"),
        (["build", "--size", "1"], "size"),
        (["build", "--tarballs", "nowhere"], "nowhere"),
        (["build", "cifar10", "--tarballs", "nowhere"], "nowhere"),
        (["build", "cifar10", "--size", "64"], "size: is of the world"),
        (["build", "toys3d", "--tarballs", "nowhere"], "tarballs: is of the world"),
        (["check", "nowhere"], "nowhere"),
    ],
)
def test_bad_input(limn, arguments, said) -> None:
    result = limn("data", *arguments)
    assert result.code == 2
    assert said in result.err
    assert result.err.splitlines()[-1].startswith("limn: error: ")


def test_check_compares_with_the_manifest(limn, tmp_path: Path) -> None:
    (tmp_path / "noto.parquet").write_bytes(b"abc")
    sets = {
        "noto": {"sha256": sha256(b"abc").hexdigest(), "pictures": 7},
        "flat": {"sha256": "0", "pictures": 3},
        "3d": {"error": "npm is not installed"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"sets": sets}))
    result = limn("data", "check", tmp_path)
    assert result.code == 1
    assert result.lines == [
        "noto: 7 pictures, as built",
        "flat: its file is missing; build it again",
        "3d: was not built: npm is not installed",
    ]
    (tmp_path / "flat.parquet").write_bytes(b"changed")
    assert "flat: its file differs from the manifest" in limn("data", "check", tmp_path).out
    (tmp_path / "manifest.json").write_text(json.dumps({"sets": {"noto": sets["noto"]}}))
    assert limn("data", "check", tmp_path).code == 0
