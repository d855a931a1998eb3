"""What the command line says of guidances is what their classes are."""

from __future__ import annotations

import ast
import dataclasses
import json
import subprocess
import sys

import pytest

from limn.cli import guide
from limn.kernel import spec

NAMES = spec.names("guidance")


def test_the_list_has_every_guidance(limn) -> None:
    result = limn("guide", "list")
    assert result.code == 0
    rows = [line.split()[0] for line in result.lines[1:]]
    assert rows == NAMES == guide.names()
    listed = json.loads(limn("guide", "list", "--json").out)
    assert [each["name"] for each in listed] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_those_of_the_class(name: str) -> None:
    part, found = spec.find("guidance", name), guide.facts(name)
    assert (found.rank, found.space) == (part.rank.name.lower(), part.space)  # type: ignore[attr-defined]
    assert (found.slot, found.paper) == (part.slot, part.paper)  # type: ignore[attr-defined]
    usual = spec.parse("guidance", name)
    known = {each.name: each for each in dataclasses.fields(usual)}  # type: ignore[arg-type]
    assert [each.name for each in found.options] == list(known)
    for option in found.options:
        made = known[option.name].default is dataclasses.MISSING
        live = getattr(usual, option.name) if made else known[option.name].default
        assert option.about, f"the docstring of {name} says nothing of {option.name}"
        if isinstance(live, spec.Part):
            assert spec.parse("guidance", ast.literal_eval(option.default)) == live
        else:
            assert ast.literal_eval(option.default) == live
    assert found.summary


@pytest.mark.parametrize("name", NAMES)
def test_one_is_shown_with_formula_options_and_source(limn, name: str) -> None:
    result = limn("guide", "show", name)
    assert result.code == 0
    assert result.lines[0].startswith(f"{name}: ")
    found = guide.facts(name)
    assert f"[{found.paper}]" in result.out, "its paper is in the bibliography"
    assert all(f"\n{option.name} " in result.out for option in found.options)
    assert "``" not in result.out


def test_a_formula_is_printed_as_it_stands(limn) -> None:
    out = limn("guide", "show", "classifier_free").out
    assert "null + scale * (main - null)" in out
    assert "Ho, Jonathan; Salimans, Tim (2022): Classifier-Free Diffusion Guidance, arXiv:2207.12598" in out
    assert "Guidance scale from 0 to 100" in out


def test_an_unknown_name_gets_the_nearest(limn) -> None:
    result = limn("guide", "show", "clasifier_free")
    assert (result.code, result.out) == (2, "")
    assert "did you mean 'classifier_free'?" in result.err


def test_nothing_heavy_is_loaded() -> None:
    code = "import sys; from limn.cli import run; run(['guide', 'list']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
