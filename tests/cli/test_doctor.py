from __future__ import annotations

import importlib.metadata

import torch

from faulty import failing


def test_doctor_says_what_is_here(limn) -> None:
    result = limn("doctor")
    assert result.code == 0
    for found in (torch.__version__, f"{torch.get_num_threads()} threads", "can be written"):
        assert found in result.out
    assert not result.err


def test_doctor_names_the_command_that_installs_an_extra(limn, monkeypatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "diffusers":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["torch>=2.6", 'diffusers>=0.36; extra == "sd"'])
    (line,) = [line for line in limn("doctor").lines if line.startswith("extra sd")]
    assert "missing: diffusers" in line
    assert "pip install 'limn[sd]'" in line


def test_doctor_finds_a_store_that_cannot_be_written(limn) -> None:
    result = limn("doctor", "--out", "/proc/limn-runs")
    assert result.code == 1
    assert "not right: /proc" in result.out


def test_a_store_that_can_only_be_read_is_told_and_nothing_is_wrong(limn, tmp_path) -> None:
    (tmp_path / "limn-runs" / "runs").mkdir(parents=True)
    with failing("read-only", 0):
        result = limn("doctor")
    assert result.code == 0
    assert "can only be read" in result.out
    with failing("read-only", 0):
        assert limn("doctor", "--out", "other").code == 1
