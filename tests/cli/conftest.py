"""The command line with the toy generator in place of the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import toys
from limn import cli, models


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Limn = Callable[..., Result]


@pytest.fixture
def limn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Limn:
    """Run a command in an empty folder; errors of the test's own making are told apart by ``code``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load", toys.load)

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = cli.run([str(each) for each in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
