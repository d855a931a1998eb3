"""X/Y grids: what varies, what is kept, what the sheet shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import toys
from limn import studio
from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.store import Store, read_record
from limn.studio import Axis, cells

A_CAT = Request(prompts="a cat")


def labels(text: str) -> list[str]:
    return [label for label, _ in Axis.parse(text).values]


def drafts(text: str, request: Request = A_CAT) -> list[Request]:
    return [change(request) for _, change in Axis.parse(text).values]


def test_a_grid_is_one_sheet_of_pictures_in_the_store(limn) -> None:
    result = limn("generate", "a cat", "--grid-x", "scale=1,3,5", "--grid-y", "seed=0,7", "--json")
    assert result.code == 0
    found = json.loads(result.out)
    requests = [read_record(Path(run["pictures"][0]["path"]))["request"] for run in found["runs"]]
    assert [(each["guidance"][0]["scale"], each["seed"]) for each in requests] == [
        (1, 0), (3, 0), (5, 0), (1, 7), (3, 7), (5, 7),
    ]  # fmt: skip
    record = read_record(Path(found["grid"]))["grid"]
    assert record["columns"] == ["scale 1", "scale 3", "scale 5"]
    assert record["rows"] == ["seed 0", "seed 7"]
    assert [len(cell) for cell in record["cells"]] == [1] * 6


def test_every_cell_lies_where_its_labels_say(limn) -> None:
    found = json.loads(limn("generate", "a cat", "--grid-x", "scale=1,5", "--grid-y", "seed=0,7", "--json").out)
    with Image.open(found["grid"]) as opened:
        sheet = np.asarray(opened.convert("RGB"))
    assert (sheet != 255).any(axis=2)[:16].any(), "labels stand above"
    places = []
    for run in found["runs"]:
        with Image.open(run["pictures"][0]["path"]) as opened:
            cell = np.asarray(opened.convert("RGB"))
        windows = np.lib.stride_tricks.sliding_window_view(sheet, cell.shape)[..., 0, :, :, :]
        (place,) = np.argwhere((windows == cell).all(axis=(2, 3, 4)))
        places.append(tuple(place))
    (a, b, c, d) = places
    assert a[0] == b[0] < c[0] == d[0]
    assert a[1] == c[1] < b[1] == d[1]


@pytest.mark.slow
def test_a_grid_again_draws_nothing_and_is_the_same_file(limn) -> None:
    arguments = (
        "generate",
        "a cat",
        "--grid-x",
        "scale=1,3",
        "--grid-y",
        "guide=none|rescale:share=0.5,1",
        "--no-sign",
    )
    first = limn(*arguments)
    assert first.code == 0, first.err
    sheet = Path(first.lines[-1])
    before = sheet.read_bytes()
    sheet.unlink()
    again = limn(*arguments)
    assert again.lines == first.lines
    assert "drew 0" in again.err
    assert sheet.read_bytes() == before
    single = limn("generate", "a cat", "--scale", 3)
    assert "1 existed" in single.err, "a cell is a run like any other"


def test_several_pictures_stand_in_one_cell(limn) -> None:
    result = limn("generate", "a cat", "a dog", "-n", 2, "--grid-x", "scale=1,3")
    assert [Path(line).parent.name for line in result.lines][-1] == "grids"
    with Image.open(result.lines[-1]) as sheet:
        assert sheet.width > 2 * (2 * 16 + 2)


def test_python_has_it_too(tmp_path: Path) -> None:
    generator, store = toys.toy(), Store(tmp_path)
    *events, last = studio.grid(generator, A_CAT, store, x="scale=1,3", y=Axis.parse("sampler=ddim,euler"))
    assert isinstance(last, studio.Grid)
    assert last.path.parent == store.root / "grids"
    assert [len(cell) for cell in last.cells] == [1, 1, 1, 1]
    assert sum(isinstance(event, studio.Drawn) for event in events) == 4
    *events, again = studio.grid(generator, A_CAT, store, x="scale=1,3", y="sampler=ddim,euler")
    assert again == last
    assert not any(isinstance(event, studio.Drawn) for event in events)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scale=1,3.5", ["scale 1", "scale 3.5"]),
        ("prompt='a cat, sitting',a dog's nose", ["a cat, sitting", "a dog's nose"]),
        ("negative='',fog", ["negative none", "negative fog"]),
        ("sampler=ddim:eta=1,dpm", ["sampler ddim:eta=1", "sampler dpm"]),
        ("guide=sld:preset=weak,strong", ["sld preset=weak", "sld preset=strong"]),
        ("guide=sld:concept='fog, mist',preset=weak,max", ["sld preset=weak", "sld preset=max"]),
        ("guide=apg|cfg_plus_plus|none", ["apg", "cfg_plus_plus", "no guide"]),
        ("guide=composed:prompts=a cat|a dog,weights=1|1,1|-1", ["composed weights=1|1", "composed weights=1|-1"]),
        ("guide=rescale:share=0.5|dynamic_threshold", ["rescale share=0.5", "dynamic_threshold"]),
    ],
)
def test_axes_are_read_carefully(text: str, expected: list[str]) -> None:
    assert labels(text) == expected


def test_what_an_axis_changes() -> None:
    assert [each.prompts[0].text for each in drafts("prompt='a, b',c")] == ["a, b", "c"]
    assert [each.steps for each in drafts("steps=2,9")] == [2, 9]
    assert drafts("guide=sld:concept=fog,preset=weak,max")[1].guide == (
        {"name": "sld", "concept": "fog", "preset": "max"},
    )
    given = Request(prompts="a cat", guide=("sld:concept=fog", "rescale"))
    assert drafts("guide=sld:preset=max", given)[0].guide == (
        "rescale",
        {"name": "sld", "concept": "fog", "preset": "max"},
    )
    assert cells(A_CAT, None, Axis.parse("seed=1,2")) == drafts("seed=1,2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scal=1,2", "did you mean 'scale'"),
        ("scale", "no values"),
        ("scale=", "no values"),
        ("scale=1,x", "give a finite number"),
        ("seed=1.5", "give a whole number"),
        ("guide=safty:preset=weak", "did you mean 'safety'"),
        ("guide=sld:preset=weak,max,momentum=0,1", "give them to one option"),
        ("guide=sld:weak", "has no '='"),
        ("prompt='a", "a quote is not closed"),
    ],
)
def test_axes_that_cannot_be_used(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Axis.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--grid-x", "guide=sld:preset=weak,strng"], "did you mean 'strong'"),
        (["--grid-x", "scale=1,1000"], "scale: 1000"),
        (["--grid-x", "scale=1,2", "--grid-y", "sampler=ddim,dimm"], "did you mean 'ddim'"),
        (["--grid-x", "seed=" + ",".join(map(str, range(30))), "--grid-y", "scale=" + "1," * 20], "at most 400"),
        (["--grid-x", "guide=apg|cfg_plus_plus", "--guide", "interleaved"], "takes the place of"),
    ],
)
def test_nothing_is_drawn_before_every_cell_is_known_to_be_possible(limn, tmp_path, arguments, said) -> None:
    result = limn("generate", "a cat", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert not list(tmp_path.glob("limn-runs/runs/*/*/0*.png"))


def test_long_labels_are_cut(limn) -> None:
    long, dots = "a cat " * 60, "a cat\n\tsitting"
    result = limn("generate", "x", "--grid-x", f"prompt={long},{dots}")
    with Image.open(result.lines[-1]) as sheet:
        assert sheet.width < 2 * 200
