"""The package in examples/plugin: installed with pip, its parts are used like limn's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import fresh
from limn.store import read_record

PLUGIN = Path(__file__).parents[1] / "examples" / "plugin"
HEART = ("generate", "a red heart", "--model", fresh.NATIVE)


pytestmark = pytest.mark.xdist_group("plugin")  # one worker installs it, once


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(folder)]
    subprocess.run([*pip, *alone, str(PLUGIN)], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def drawn(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture drawn with its guidance and its sampler, beside guidances of limn."""
    folder = tmp_path_factory.mktemp("drawn")
    guides = ("--guide", "fog:share=.3", "--guide", "rescale")
    (result,) = fresh.limn(folder, [*HEART, *guides, "--sampler", "steady:momentum=0.5"], beside=[site])
    assert result.code == 0, result.err
    return folder / result.out.strip()


@pytest.mark.slow
def test_its_parts_are_in_every_list(site: Path, tmp_path: Path) -> None:
    lists = (["guide", "list"], ["sampler", "list"], ["reader", "list"], ["audit", "list"], ["plugins"])
    results = fresh.limn(tmp_path, *lists, ["guide", "show", "mist"], beside=[site])
    assert [result.code for result in results] == [0] * 6
    for result, name in zip(results[:4], ("fog", "steady", "haze", "lighting"), strict=True):
        (row,) = (line for line in result.out.splitlines() if line.split()[0] == name)
        assert "limn-fog 0.3.0" in row or name == "lighting"
    assert "narasimhan2002vision" in results[3].out
    assert "journal" not in results[3].out, "a key, not the whole entry"
    assert results[4].out.count("limn-fog 0.3.0") == 4
    assert results[4].out.count("usable") == 4
    assert "How much of it fades, from 0 to 1." in results[5].out
    assert "Koschmieder, Harald (1924): Theorie der horizontalen Sichtweite" in results[5].out


@pytest.mark.slow
def test_the_record_says_where_they_come_from(drawn: Path) -> None:
    request = read_record(drawn)["request"]
    package = {"package": "limn-fog", "version": "0.3.0"}
    assert request["sampler"]["from"] == {"module": "limn_fog.sampler", "class": "Steady", **package}
    (fog,) = (part for part in request["guidance"] if part["name"] == "fog")
    assert fog == {"name": "fog", "share": 0.3, "from": {"module": "limn_fog.guidance", "class": "Fog", **package}}


@pytest.mark.slow
def test_a_picture_is_cited_and_replays(site: Path, drawn: Path, tmp_path: Path) -> None:
    cited, replayed = fresh.limn(tmp_path, ["cite", drawn], ["runs", "replay", drawn], beside=[site])
    assert "@article{koschmieder1924theorie," in cited.out
    assert "@inproceedings{lin2024flawed," in cited.out
    assert (replayed.code, replayed.out) == (0, f"{drawn}: identical to the last bit\n")


@pytest.mark.slow
def test_without_the_package_one_line_says_which(drawn: Path, tmp_path: Path) -> None:
    replayed, cited = fresh.limn(tmp_path, ["runs", "replay", drawn], ["cite", drawn])
    assert replayed.code == 2
    assert len(replayed.err.splitlines()) == 1
    assert "install the package limn-fog 0.3.0" in replayed.err
    assert "@inproceedings{lin2024flawed," in cited.out
    assert "install the package limn-fog 0.3.0" in cited.err


@pytest.mark.slow
def test_with_another_version_a_replay_says_so(site: Path, drawn: Path, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    (newer / "limn_fog-0.4.0.dist-info").mkdir(parents=True)
    (newer / "limn_fog").symlink_to(site / "limn_fog")
    for path in site.glob("*.dist-info/*"):
        if path.is_file():
            text = path.read_text("utf-8").replace("Version: 0.3.0", "Version: 0.4.0")
            (newer / "limn_fog-0.4.0.dist-info" / path.name).write_text(text)
    (replayed,) = fresh.limn(tmp_path, ["runs", "replay", drawn], beside=[newer])
    assert replayed.out == f"{drawn}: identical to the last bit; limn-fog was 0.3.0 and is 0.4.0\n"


@pytest.mark.slow
def test_its_study_and_reader_audit_a_model(site: Path, tmp_path: Path) -> None:
    audit = ["audit", "lighting:n=2", "--model", fresh.NATIVE, "--out", "audit", "--json"]
    (result,) = fresh.limn(tmp_path, audit, beside=[site])
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert report["title"] == "Lighting"
    assert "Narasimhan, Srinivasa G.; Nayar, Shree K. (2002)" in (tmp_path / "audit" / "report.html").read_text()


@pytest.mark.slow
def test_its_own_tests_pass_with_limn_testing(site: Path, tmp_path: Path) -> None:
    path = os.pathsep.join([str(fresh.SOURCE), str(site)])
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import test_fog as t; [run() for name, run in vars(t).items() if name[:5] == 'test_']",
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([path, str(PLUGIN / "tests")])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_package_that_cannot_be_imported_costs_one_warning(site: Path, tmp_path: Path) -> None:
    home = tmp_path / "site" / "limn_broken-1.0.dist-info"
    home.mkdir(parents=True)
    (home / "METADATA").write_text("Metadata-Version: 2.1\nName: limn-broken\nVersion: 1.0\n")
    points = "[limn.guidance]\nshatter = limn_broken:Shatter\n[limn.samplers]\nddim = limn_broken:Other\n"
    (home / "entry_points.txt").write_text(points)
    beside = [site, tmp_path / "site"]
    commands = (["guide", "list"], [*HEART, "--guide", "fog"], ["plugins"], [*HEART, "--guide", "shatter"])
    listed, *_ = fresh.limn(tmp_path, commands[0], beside=beside)
    assert listed.code == 0
    assert len(listed.err.splitlines()) == 1
    assert "shatter of limn-broken 1.0" in listed.err
    drawn, shown, refused = fresh.limn(tmp_path, *commands[1:], beside=beside)
    assert drawn.code == 0
    assert "cannot be loaded" in shown.out
    assert refused.code == 2
