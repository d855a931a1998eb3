"""Adapters named in prompts are found in a folder, told when they are missing, and gone from the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from limn.kernel.errors import InputError
from limn.kernel.request import Request
from limn.text.tags import read_tags, tagged


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("felt", "toys/glass", "zorp", "old/felt2", "new/felt2"):
        (tmp_path / f"{name}.safetensors").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.safetensors").write_bytes(b"")
    return tmp_path


def request(text: Any, folder: Path | str = "", **given: Any) -> Request:
    return tagged(Request(prompts=text, adapters=str(folder), **given))


@pytest.mark.parametrize(
    ("text", "plain", "tags"),
    [
        ("a heart <lora:felt:0.8>", "a heart", [("felt", 0.8)]),
        ("<lora:felt> a heart", "a heart", [("felt", 1.0)]),
        ("a <lora:a b:-1.5><lyco:c:1> heart", "a heart", [("a b", -1.5), ("c", 1.0)]),
        ("a heart <lora:felt:0.8:0.5>", "a heart", [("felt", 0.8)]),
        ("a < b > lora: heart", "a < b > lora: heart", []),
    ],
)
def test_tags_are_read_as_they_are_pasted(text: str, plain: str, tags: list[tuple[str, float]]) -> None:
    assert read_tags(text) == (plain, tags)


def test_tags_become_adapters(folder: Path) -> None:
    result = request("a heart <lora:felt:0.8> <lora:glass:1>", folder, adapter="mine.safetensors")
    assert [prompt.text for prompt in result.prompts] == ["a heart"]
    assert result.adapter == (
        "mine.safetensors", f"{folder}/felt.safetensors:0.8", f"{folder}/toys/glass.safetensors:1"
    )  # fmt: skip
    assert result.adapters == ""


def test_learned_words_are_found_by_their_files_names(folder: Path) -> None:
    assert request("a zorp, red", folder).adapter == (f"{folder}/zorp.safetensors",)
    assert request("a heart", folder, negative="zorp").adapter == (f"{folder}/zorp.safetensors",)
    assert request("zorps and a-zorp", folder).adapter == ()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a <lora:fellt:1>", r"unknown adapter in .* 'fellt'; did you mean 'felt'"),
        ("a <lora:felt2:1>", "is the name of 2 files"),
        ("a <hypernet:felt:1>", "names a hypernetwork, which limn does not read"),
    ],
)
def test_what_is_missing_is_told(folder: Path, text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        request(text, folder)


def test_a_tag_without_a_folder_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match=r"<lora:felt> names an adapter; say with --adapters in which folder"):
        request("a heart <lora:felt:0.8>")
    with pytest.raises(InputError, match="is no folder"):
        request("a heart", folder / "none")


def test_prompts_that_name_different_adapters_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="the prompts name different adapters"):
        request(["a <lora:felt:1>", "a heart"], folder)
