from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limn.audit.labels import read_labels
from limn.audit.provenance.filling import filled
from limn.audit.study import parse
from limn.kernel.errors import InputError

FILES = Path(__file__).parent / "files"


def picture(path: Path, prompt: str = "", seed: int = 0, shade: int = 0) -> None:
    info = PngInfo()
    if prompt:
        info.add_text("parameters", f"{prompt}\nSteps: 20, Sampler: Euler a, Seed: {seed}, Size: 8x8, Model: dream")
    Image.new("RGB", (8, 8), (shade, 0, 0)).save(path, pnginfo=info)


def fill(folder: Path, *lines: dict[str, str]) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    result, notes = filled(list(enumerate(lines, start=2)), lambda line: folder / line["file"])
    return [line for _, line in result], notes


def test_what_is_missing_is_taken_and_told_and_what_is_there_stays(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", "a cook", 7)
    picture(tmp_path / "b.png", "a pilot", 8)
    picture(tmp_path / "c.png")
    lines, notes = fill(
        tmp_path, {"file": "a.png"}, {"file": "b.png", "prompt": "a fox", "seed": "3"}, {"file": "c.png"}
    )
    assert [(line["prompt"], line["seed"], line["model"]) for line in lines] == [
        ("a cook", "7", "dream"), ("a fox", "3", "dream"), ("", "", ""),
    ]  # fmt: skip
    assert notes == (
        "took the prompt of 1 pictures from what A1111 wrote",
        "took the seed of 1 pictures from what A1111 wrote",
        "took the model of 2 pictures from what A1111 wrote",
    )


def test_seeds_that_would_make_two_pictures_one_are_left_out(tmp_path: Path) -> None:
    for place, seed in enumerate((7, 7, 8)):
        picture(tmp_path / f"{place}.png", "a cook", seed, shade=place)
    lines, notes = fill(tmp_path, *({"file": f"{place}.png"} for place in range(3)))
    assert [line["seed"] for line in lines] == ["", "", "8"]
    assert notes[-1] == "2 pictures have model, words and seed of another one; their seeds are left out"


def test_seeds_that_are_no_seeds_here_are_left_out_and_manifests_name_the_model(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", "a cook", 2**64 - 1)
    lines, notes = fill(tmp_path, {"file": "a.png"})
    assert lines[0]["seed"] == ""
    assert notes[-1] == "1 pictures have a seed above 2**63 - 1, which is left out"
    lines, notes = fill(FILES, {"file": "c2pa.png"})
    assert (lines[0]["model"], lines[0]["prompt"]) == ("painter-2", "")
    assert notes[-1] == "1 pictures tell no prompt (C2PA: a manifest tells no prompt and no seed)"


def test_a_table_without_prompts(tmp_path: Path) -> None:
    for place in range(3):
        picture(tmp_path / f"{place}.png", "a photo of a cook", place, shade=place)
    table = tmp_path / "labels.csv"
    table.write_text("file,concept,gender:ann\n0.png,cook,woman\n1.png,cook,man\n2.png,cook,man\n")
    listed = read_labels(table, parse("stereotypes"))
    assert [(ask.prompt, ask.seed) for ask in listed.asks] == [("a photo of a cook", seed) for seed in range(3)]
    assert [source.name for source in listed.sources] == ["dream"]
    assert len(listed.taken) == 3
    assert listed.unused == ()
    picture(tmp_path / "1.png")
    with pytest.raises(InputError, match="line 3: has no prompt, nor has its picture's file"):
        read_labels(table, parse("stereotypes"))
    for place in range(3):
        picture(tmp_path / f"{place}.png")
    with pytest.raises(InputError, match="needs a column prompt"):
        read_labels(table, parse("stereotypes"))
