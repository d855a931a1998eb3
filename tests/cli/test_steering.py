"""Steering from the command line, from TOML, and back from the picture's own record."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import small_models
from limn import models
from limn.kernel import registry
from limn.store import read_record

LOAD = models.load


def guidance(path: str) -> dict[str, dict]:
    return {each["name"]: each for each in read_record(Path(path))["request"]["guidance"]}


def painting(path: Path) -> Path:
    """Red on the left, blue at the top right, white elsewhere."""
    image = Image.new("RGB", (16, 16), "white")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 7, 15), "#ff0000")
    pen.rectangle((8, 0, 15, 7), "#0000ff")
    image.save(path)
    return path


@pytest.mark.parametrize(
    "name", [each for each in registry.names("guidance") if registry.find("guidance", each).slot]
)  # type: ignore[attr-defined]
def test_the_models_own_guidance_gives_way_to_one_of_its_slot(limn, name: str) -> None:
    found = guidance(limn("generate", "a cat", "--guide", name).lines[0])
    assert set(found) == {name}


def test_it_stays_beside_all_others_and_keeps_what_is_not_said(limn) -> None:
    found = guidance(limn("generate", "a cat", "--guide", "rescale", "--guide", "dynamic_threshold").lines[0])
    assert set(found) == {"classifier_free", "rescale", "dynamic_threshold"}
    assert found["classifier_free"]["scale"] == 2
    found = guidance(limn("generate", "a cat", "--guide", "classifier_free:schedule=cosine").lines[0])
    assert (found["classifier_free"]["schedule"], found["classifier_free"]["scale"]) == ("cosine", 2)


def test_scale_and_negative_reach_whoever_guides(limn) -> None:
    arguments = ["a cat", "--guide", "apg:eta=1", "--scale", 5, "--negative", "fog"]
    result = limn("generate", *arguments)
    found = guidance(result.lines[0])
    assert set(found) == {"apg"}
    assert {name: found["apg"][name] for name in ("scale", "against", "eta")} == {
        "scale": 5, "against": "fog", "eta": 1,
    }  # fmt: skip
    assert read_record(Path(result.lines[0]))["negative"] == "fog"


def test_any_order_is_one_run(limn) -> None:
    one = limn("generate", "a cat", "--guide", "rescale", "--guide", "sld:preset=strong,concept='fog, mist'")
    two = limn("generate", "a cat", "--guide", "sld:concept='fog, mist',preset=strong", "--guide", "rescale")
    assert one.code == 0
    assert one.lines == two.lines
    assert guidance(one.lines[0])["sld"]["concept"] == "fog, mist"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--guide", "sld:preset=strng"], "did you mean 'strong'"),
        (["--guide", "sld:prest=strong"], "did you mean 'preset'"),
        (["--guide", "apg", "--guide", "cfg_plus_plus"], "takes the place of"),
        (["--guide", "rescale", "--guide", "rescale:share=0.5"], "is given twice"),
        (["--guide", "interleaved", "--scale", "3"], "scale: interleaved takes none"),
        (["--guide", "image:picture=none.png"], "none.png"),
        (["--max-rows", "0"], "max-rows"),
        (["--region", "a cat"], "has no '='"),
        (["--region", "0,0,1=a cat"], "a box has four numbers"),
        (["--region", "0,0,2,1=a cat"], "within 0 and 1"),
        (["--region", "#ff00=a cat"], "is no colour"),
        (["--region", "#ff0000=a cat"], "a colour needs a painting"),
        (["--region", "#f00=a cat", "--region", "#ff0000=a"], "is given twice"),
        (["--region", "0,0,1,1=a dog"], "'a dog' is in no prompt"),
        (["--regions", "none.png"], "no region says what a colour stands for"),
        (["--regions", "none.png", "--region", "#ff0000=a cat"], "none.png"),
        (["--regions", "bad.png", "--region", "#ff0000=a cat"], "bad.png"),
        (["--request", "none.toml"], "none.toml"),
    ],
)
def test_what_makes_no_sense_is_one_line_before_anything_is_drawn(limn, tmp_path, arguments, said) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    result = limn("generate", "a cat", *arguments)
    assert (result.code, result.out) == (2, "")
    errors = [line for line in result.err.splitlines() if line.startswith("limn: error")]
    assert len(errors) == 1
    assert said in errors[0]
    assert not list(tmp_path.glob("limn-runs/runs/*"))


def test_fewer_rows_at_once_are_the_same_picture(limn) -> None:
    options = ["a cat", "a dog", "--guide", "sld", "--explain"]
    whole = limn("generate", *options)
    split = limn("generate", *options, "--max-rows", 2, "--out", "other")
    for one, two in zip(whole.lines, split.lines, strict=True):
        with Image.open(one) as first, Image.open(two) as second:
            assert first.tobytes() == second.tobytes()
    assert read_record(Path(split.lines[0]))["batch"]["max_rows"] == 2
    assert "4 forwards over 4 steps answered 24 rows" in whole.err
    assert "12 forwards over 4 steps answered 24 rows" in split.err
    assert "identical" in limn("runs", "replay", split.lines[0], "--model", "toy").out


def test_explain_names_questions_edits_gradients_and_forwards(limn, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(models, "load", LOAD)
    small_models.native(tmp_path / "model")
    guide = small_models.files(tmp_path)["guide"]
    arguments = [
        "--guide",
        "pag",
        "--guide",
        f"clip:guide={guide},through=model",
        "--region",
        "0,0,1,0.5=a cat",
    ]
    arguments += ["--guide", "classifier_free:scale=3,low=0.9", "--steps", 4, "--model", "model"]
    err = limn("generate", "a cat and a dog", *arguments, "--explain").err
    lines = [line for line in err.splitlines() if line.startswith(("main", "null", "perturbed", "as loaded"))]
    rows = {line.split()[0]: line for line in lines}
    assert "painted" in rows["main"]
    assert "yes" in rows["main"]
    assert "painted + identity" in rows["perturbed"]
    assert "text" in rows["null"]
    assert any("main, with gradient" in line for line in lines)
    assert "regions are painted by paint_with_words" in err


REQUEST = """
prompts = ["a red heart and a cat", "a dog"]
n = 2
seed = 7
steps = 3
sampler = "ddim:eta=0.5"
scale = 3
negative = "fog"
size = 16
regions = "painting.png"
region = ["#f00=a red heart@0.5", {words = "a cat", box = [0.5, 0, 1, 1], weight = 2}]
guidance = ["sld:preset=strong", {name = "rescale", share = 0.5}]
"""


def test_a_request_in_toml_is_the_command_line(limn, tmp_path) -> None:
    folder = tmp_path / "there"
    folder.mkdir()
    painting(folder / "painting.png")
    (folder / "request.toml").write_text(REQUEST)
    asked = limn("generate", "--request", "there/request.toml")
    assert asked.code == 0, asked.err
    said = limn(
        "generate", "a red heart and a cat", "a dog", "-n", 2, "--seed", 7, "--steps", 3,
        "--sampler", "ddim:eta=0.5",
        "--scale", 3, "--negative", "fog", "--size", 16, "--regions", "there/painting.png",
        "--region", "#ff0000=a red heart@0.5", "--region", "0.5,0,1,1=a cat@2",
        "--guide", "rescale:share=0.5", "--guide", "sld:preset=strong",
    )  # fmt: skip
    assert said.lines == asked.lines
    request = read_record(Path(asked.lines[0]))["request"]
    assert [each["name"] for each in request["guidance"]] == [
        "paint_with_words", "sld", "classifier_free", "rescale",
    ]  # fmt: skip
    first, second = request["prompts"][0]["regions"]
    assert (first["words"], first["weight"]) == ("a red heart", 0.5)
    assert (second["words"], second["box"], second["weight"]) == ("a cat", [0.5, 0, 1, 1], 2)
    with Image.open(io.BytesIO(bytes.fromhex(first["mask"]))) as mask:
        assert [mask.convert("L").getpixel(at) for at in ((3, 8), (12, 3), (12, 12))] == [255, 0, 0]
    assert "regions" not in request["prompts"][1]


def test_options_take_the_place_of_the_files(limn, tmp_path) -> None:
    painting(tmp_path / "painting.png")
    (tmp_path / "request.toml").write_text(REQUEST)
    path = limn(
        "generate", "a cat", "--request", "request.toml", "--scale", 5, "--guide", "dynamic_threshold",
        "--region", "0,0,1,1=a cat", "--region", "#f00=a cat", "-n", 1,
    ).lines  # fmt: skip
    assert len(path) == 1
    record = read_record(Path(path[0]))
    assert record["request"]["steps"] == 3
    found = guidance(path[0])
    assert set(found) == {"classifier_free", "paint_with_words", "dynamic_threshold"}
    assert found["classifier_free"]["scale"] == 5
    (tmp_path / "prompts.txt").write_text("a cow\na red heart\na cat\n")
    lines = limn("generate", "--request", "request.toml", "--prompts-file", "prompts.txt", "-n", 1).lines
    assert [Path(line).stem for line in lines] == ["0000-a-cow", "0001-a-red-heart", "0002-a-cat"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("promts = ['a']", "did you mean 'prompts'"),
        ("prompts = 3", "each of prompts: '3' is not allowed; give text"),
        ("prompts = ['a', 3]", "each of prompts: '3' is not allowed; give text"),
        ("n = true", "give a whole number"),
        ("scale = 'x'", "give a number"),
        ("guidance = [3]", "give text or a table"),
        ("guidance = [{preset = 'weak'}]", "has no name"),
        ("guidance = [{name = 'safety', prest = 'weak'}]", "did you mean 'preset'"),
        ("region = [{words = 'a'}]", "not of a known form"),
        ("region = [{words = 'a', box = 3}]", "a box has four numbers"),
        ("a = ", "not sound TOML"),
        ("x = " + "[" * 5000, "not sound TOML"),
    ],
)
def test_requests_that_cannot_be_used(limn, tmp_path, text: str, said: str) -> None:
    (tmp_path / "request.toml").write_text(text)
    result = limn("generate", "a cat", "--request", "request.toml")
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert len(result.err) < 500


def test_a_picture_brings_back_every_guidance_and_region(limn, tmp_path, monkeypatch) -> None:
    """On a network that attention edits and gradients reach, from the picture's file alone."""
    monkeypatch.setattr(models, "load", LOAD)
    small_models.native(tmp_path / "model")
    there = small_models.files(tmp_path)
    painting(tmp_path / "painting.png")
    guides = [
        "sld:preset=strong,concept=fog,warmup=0", "composed:prompts=a dog|a cow,weights=1|-0.5", "structured",
        "token_weights", "pag:scale=1", "apg:scale=3",
        f"clip:guide={there['guide']},scale=2,through=model",
        f"image:picture={there['picture']}", "rescale:share=0.5", "dynamic_threshold",
        f"mixture:model={tmp_path / 'model'}",
    ]  # fmt: skip
    arguments = [word for each in guides for word in ("--guide", each)]
    arguments += ["--regions", "painting.png", "--region", "#f00=heart", "--region", "0,0,1,1=a cat@2"]
    result = limn("generate", "a (red:1.4) heart and a cat", "-n", 2, "--steps", 3, "--model", "model", *arguments)
    assert result.code == 0, result.err
    record = read_record(Path(result.lines[1]))
    assert len(record["request"]["guidance"]) == len(guides) + 1
    moved = tmp_path / "moved.png"
    Path(result.lines[1]).rename(moved)
    (tmp_path / "painting.png").unlink()
    assert "identical to the last bit" in limn("runs", "replay", moved).out
    Image.new("RGB", (20, 20), "red").save(there["picture"])
    changed = limn("runs", "replay", moved)
    assert "picture.png is not what it was" in changed.out
    assert changed.code == 1
