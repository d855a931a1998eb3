from __future__ import annotations

from pathlib import Path

from PIL import Image

from limn.kernel import registry
from limn.store import read_record


def test_things_are_drawn_alone_and_composed(limn) -> None:
    result = limn("scene", "a cat above a red heart", "-n", 2)
    assert result.code == 0
    files = [Path(line) for line in result.lines]
    assert [path.name for path in files] == [f"scene-000{k}-a-cat-above-a-red-heart.png" for k in range(2)]
    with Image.open(files[0]) as image:
        assert image.size == (16, 16)
    of = [each["file"] for each in read_record(files[1])["scene"]["of"]]
    assert of == ["0001-a-cat-flat-style.png", "0003-a-red-heart-flat-style.png"]
    assert limn("scene", "a cat above a red heart", "-n", 2).lines == result.lines


def test_a_scene_carries_how_its_things_were_drawn_and_is_not_replayed_itself(limn) -> None:
    (path,) = limn("scene", "a cat above a red heart", "--sampler", "dpmpp_2m").lines
    record = read_record(Path(path))
    assert record["prompt"] == "a cat above a red heart"
    assert record["request"]["sampler"]["name"] == "dpmpp_2m"
    assert registry.find("samplers", "dpmpp_2m").paper in limn("cite", path).out
    replayed = limn("runs", "replay", path)
    assert replayed.code == 2
    assert "composed" in replayed.err


def test_words_without_a_place_are_one_line_and_code_2(limn) -> None:
    result = limn("scene", "a cat")
    assert (result.code, result.out) == (2, "")
    assert "a cat above a red heart" in result.err
    assert not Path("limn-runs").exists()
