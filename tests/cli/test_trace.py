from __future__ import annotations

import json
from pathlib import Path

from PIL import Image


def test_files_are_traced_beside_themselves_and_printed(limn) -> None:
    Image.new("RGB", (20, 20), "teal").save("a.png")
    result = limn("trace", "a.png", "--method", "lanczos")
    assert (result.code, result.lines) == (0, ["a.svg"])
    again = limn("trace", "a.png", "--method", "lanczos")
    assert (again.code, again.lines) == (0, ["a.svg"])
    assert "existed" in again.err
    assert limn("trace", "none.png", "--method", "lanczos").code == 2


def test_generate_writes_one_beside_each_picture(limn) -> None:
    result = limn("generate", "a cat", "-n", 2, "--svg", "--method", "lanczos", "--json")
    pictures = json.loads(result.out)["runs"][0]["pictures"]
    assert result.code == 0
    for picture in pictures:
        assert Path(picture["svg"]) == Path(picture["path"]).with_suffix(".svg")
        assert "<title>a cat</title>" in Path(picture["svg"]).read_text("utf-8")
    assert "larger" not in pictures[0]


def test_a_run_with_vector_files_is_whole(limn) -> None:
    first = limn("generate", "a cat", "--svg", "--method", "lanczos")
    assert [Path(line).suffix for line in first.lines] == [".png", ".svg"]
    assert limn("runs", "replay", first.lines[0]).code == 0
    again = limn("generate", "a cat", "--svg", "--method", "lanczos")
    assert again.lines == first.lines
    assert "1 existed" in again.err
