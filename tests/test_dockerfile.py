"""The image, as far as it can be tried where nothing runs containers: its files, and its command in the wheel."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

import installed
from limn.client import Client

ROOT = Path(__file__).parents[1]
LINES = [
    line.split(" ", 1)
    for line in (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def values(word: str) -> list[str]:
    return [rest for first, rest in LINES if first == word]


def test_its_base_is_pinned_and_its_files_are_there() -> None:
    assert all(re.match(r"python:3\.\d+\.\d+-slim-\w+( AS build)?$", base) for base in values("FROM"))
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    for words in values("COPY"):
        *sources, _ = words.split()
        if not words.startswith("--from"):
            assert all((ROOT / source).exists() for source in sources)
            assert all(f"!{source}" in ignored for source in sources)
    (torch,) = re.findall(r"torch==([\d.]+)\+cpu", (ROOT / "Dockerfile").read_text("utf-8"))
    assert f"torch=={torch}\n" in (ROOT / "constraints.txt").read_text("utf-8")
    assert values("USER") == ["limn"]


def test_it_installs_the_wheel_that_it_built() -> None:
    # By its name alone pip would take the newest, which on PyPI is another project's.
    (install,) = (line for line in values("RUN") if "constraints" in line)
    own = [word.strip('"') for word in install.replace("$(echo ", "$(echo_").split() if "limn" in word]
    assert own[0] == "$(echo_/wheels/limn-*.whl)[studio]"
    assert not [word for word in own[1:] if re.match(r"limn\W", word)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_its_command_serves_from_the_wheel(tmp_path: Path) -> None:
    programs = installed.install(installed.build(tmp_path / "wheel"), tmp_path / "environment", "studio")
    command = [*json.loads(values("ENTRYPOINT")[0]), *json.loads(values("CMD")[0])]
    assert command[2:4] == ["--host", "0.0.0.0"]
    command = [word.replace("0.0.0.0", "127.0.0.1").replace("/data", str(tmp_path)) for word in command]
    variables = {**installed.environment(tmp_path), "LIMN_TOKEN": "a token of the tests"}
    server = subprocess.Popen(
        [str(programs / command[0]), *command[1:], "--port", "0"],
        stderr=subprocess.PIPE, text=True, env=variables, cwd=tmp_path,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        line = next(line for line in server.stderr if "serving" in line)
        url = line.split()[2].rstrip(",")
        assert url.startswith("http://localhost:")
        (path,) = Client(url, "a token of the tests").draw("a red heart", folder=tmp_path / "drawn")
        assert path.is_file()
        check = json.loads(values("HEALTHCHECK")[0].removeprefix("CMD "))
        check = [word.replace("http://localhost:8650/", url) for word in check]
        subprocess.run([str(programs / check[0]), *check[1:]], check=True, env=variables)
    finally:
        server.terminate()
        server.communicate(timeout=30)
    assert list((tmp_path / "pictures").glob("runs/*/*/*.png"))
