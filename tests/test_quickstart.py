"""The quickstart's Python runs as it stands, and every command in it exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

import toys
from limn import models
from limn.cli.app import app

TEXT = (Path(__file__).parents[1] / "docs" / "quickstart.md").read_text("utf-8")
COMMANDS = sorted({line.split("#")[0].strip() for line in re.findall(r"(?m)^limn .*$", TEXT)})


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_has_the_options_that_are_shown(line: str) -> None:
    words = shlex.split(line)[1:]
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "load", toys.load)
    exec("\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)), {})
    assert (tmp_path / "heart.png").exists()
    assert len(capsys.readouterr().out.splitlines()) == 8
