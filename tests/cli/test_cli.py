from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import limn as package
from limn import models


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = """
import sys
from limn import cli
code = cli.run(["--help"])
heavy = [name for name in ("torch", "numpy", "rich", "PIL", "sqlite3") if name in sys.modules]
print(code, heavy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.parametrize("verb", ["generate", "models", "runs", "data", "train", "doctor", "cite"])
def test_every_verb_has_help(limn, verb) -> None:
    result = limn(verb, "--help")
    assert result.code == 0
    assert result.out.startswith(f"Usage: limn {verb}")


def test_version(limn) -> None:
    assert limn("--version").out == f"limn {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generat", "a heart"], "generat"),
        (["generate", "a heart", "--sed", "1"], "--sed"),
        (["generate", "a heart", "-n", "many"], "-n"),
        (["generate", "a heart", "--seed"], "--seed"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(limn, arguments, said) -> None:
    result = limn(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("limn: error: ")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_an_unexpected_error_is_one_line_and_debug_shows_where(limn, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("out of luck\x1b[31m\nand more")

    monkeypatch.setattr(models, "load", broken)
    result = limn("generate", "a heart")
    assert result.code == 1
    assert (
        result.err
        == "limn: error: RuntimeError: out of luck\\x1b[31m\\nand more; run again with --debug to see where\n"
    )
    debug = limn("generate", "a heart", "--debug")
    assert "Traceback" in debug.err
    assert debug.err.splitlines()[-1] == "limn: error: RuntimeError: out of luck\\x1b[31m\\nand more"


def test_debug_behind_two_dashes_is_a_prompt(limn) -> None:
    result = limn("generate", "--json", "--", "--debug")
    assert json.loads(result.out)["runs"][0]["pictures"][0]["prompt"] == "--debug"


def test_a_missing_package_is_named_with_its_extra(limn, monkeypatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'diffusers'", name="diffusers")

    monkeypatch.setattr(models, "load", broken)
    result = limn("generate", "a heart")
    assert result.code == 1
    assert "diffusers is not installed; install it with: pip install" in result.err


def test_an_interrupt_outside_drawing_is_code_130(limn, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "load", interrupted)
    result = limn("generate", "a heart")
    assert result.code == 130
    assert "Traceback" not in result.err


def test_a_closed_pipe_is_no_reason_to_complain(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code = "from limn import cli; cli.main()"
    command = [sys.executable, "-c", code, "data", "list"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == b""


def test_public_names_are_lazy_and_complete() -> None:
    code = "import limn, sys; print('torch' in sys.modules, all(hasattr(limn, name) for name in limn.__all__))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
    assert sorted(package.__all__) == dir(package)
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        _ = package.paint


def test_one_version_everywhere() -> None:
    root = Path(__file__).parents[2]
    assert f'version = "{package.__version__}"' in (root / "pyproject.toml").read_text("utf-8")
    assert f"version: {package.__version__}\n" in (root / "CITATION.cff").read_text("utf-8")


def test_flags_are_written_with_dashes() -> None:
    import typer

    from limn.cli.app import app

    def flags(command: Any) -> list[str]:
        own = [flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")]
        return own + [flag for inner in getattr(command, "commands", {}).values() for flag in flags(inner)]

    known = flags(typer.main.get_command(app))
    assert {"--clip-skip", "--denoising-end"} <= set(known)
    assert not [flag for flag in known if "_" in flag]
