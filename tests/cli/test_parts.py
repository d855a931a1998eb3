"""What the command line says of guidances is what their classes are."""

from __future__ import annotations

import dataclasses
import json

import pytest

from limn.kernel import registry
from limn.kernel.description import describe

NAMES = registry.names("guidance")


def test_the_list_has_every_guidance(limn) -> None:
    result = limn("guide", "list")
    assert result.code == 0
    rows = [line.split()[0] for line in result.lines[1:]]
    assert rows == NAMES
    listed = json.loads(limn("guide", "list", "--json").out)
    assert [each["name"] for each in listed] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_those_of_the_class(name: str) -> None:
    part, row = registry.find("guidance", name), describe("guidance", name)
    assert (row.facts["rank"], row.facts["space"]) == (part.rank.name.lower(), part.space)  # type: ignore[attr-defined]
    assert (row.facts.get("slot", ""), row.paper) == (part.slot, part.paper)  # type: ignore[attr-defined]
    usual = registry.parse("guidance", name)
    known = {field.name: field for field in dataclasses.fields(usual)}  # type: ignore[arg-type]
    assert [option.name for option in row.options] == list(known)
    for option in row.options:
        assert option.about, f"the docstring of {name} says nothing of {option.name}"
        if option.default != "needed":
            text = f"{name}:{option.name}={option.default}" if option.default != "none" else name
            assert getattr(registry.parse("guidance", text), option.name) == getattr(usual, option.name)
    assert row.summary


@pytest.mark.parametrize("name", NAMES)
def test_one_is_shown_with_formula_options_and_source(limn, name: str) -> None:
    result = limn("guide", "show", name)
    assert result.code == 0
    assert result.lines[0].startswith(f"{name}: ")
    row = describe("guidance", name)
    assert f"[{row.paper}]" in result.out, "its paper is in the bibliography"
    assert all(f"\n{option.name} " in result.out for option in row.options)
    assert "``" not in result.out


def test_a_formula_is_printed_as_it_stands(limn) -> None:
    out = limn("guide", "show", "classifier_free").out
    assert "null + scale * (main - null)" in out
    assert "Ho, Jonathan; Salimans, Tim (2022): Classifier-Free Diffusion Guidance. arXiv:2207.12598" in out
    assert "Guidance scale from 0 to 100" in out


def test_an_unknown_name_gets_the_nearest(limn) -> None:
    result = limn("guide", "show", "clasifier_free")
    assert (result.code, result.out) == (2, "")
    assert "did you mean 'classifier_free'?" in result.err
