from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limn.kernel.errors import InputError
from limn.kernel.prompt import PLACE
from limn.kernel.request import Request
from limn.text.pictures import MOST, SIDE, pictured


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    path = tmp_path / "a cat:2.webp"
    Image.fromarray(np.full((40, 80, 3), (200, 10, 10), np.uint8)).save(path, lossless=True)
    return path


def test_pictures_stand_where_the_prompt_names_them(cat: Path) -> None:
    request = pictured(Request(prompts=("[A] beside [B], [sic]", "no place"), picture=(f"B={cat}:0.25", f"A={cat}")))
    first, second = request.prompts
    assert first.text == f"{PLACE} beside {PLACE}, [sic]"
    assert first.weights == (1.0, 1.0, 0.25)
    assert first.sources == (hashlib.sha256(cat.read_bytes()).hexdigest(),) * 2
    assert (second.text, second.images, request.picture) == ("no place", (), ())
    shown = np.asarray(Image.open(io.BytesIO(first.images[0])))
    assert shown.shape == (SIDE, SIDE, 3)
    assert shown[0, 0].tolist() == [255, 255, 255], "whole, in the middle of white"
    assert shown[32, 32].tolist() == [200, 10, 10]


def test_one_without_a_name_stands_after_the_words_of_every_prompt(cat: Path) -> None:
    request = pictured(Request(prompts=("a dog", "a cow"), picture=(str(cat),)))
    assert [prompt.text for prompt in request.prompts] == [f"a dog {PLACE}", f"a cow {PLACE}"]


def test_faults_are_told_before_drawing(cat: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    cases = {
        f"A={tmp_path / 'missing.png'}": "missing.png",
        f"A={broken}": "broken.png: not a readable",
        "A=https://example.org/cat.png": "is an address; limn fetches nothing",
        f"B={cat}": r"no prompt says \[B\]",
        f"A={cat}:-1": "give a weight from 0",
        f"A={cat}:nan": "give a weight from 0",
    }
    for given, message in cases.items():
        with pytest.raises(InputError, match=message):
            pictured(Request(prompts=("[A]",), picture=(given,)))
    with pytest.raises(InputError, match="two have one name"):
        pictured(Request(prompts=("[A]",), picture=(f"A={cat}", f"A={cat}")))
    with pytest.raises(InputError, match="at most"):
        pictured(Request(prompts=("[A]",), picture=(str(cat),) * (MOST + 1)))
