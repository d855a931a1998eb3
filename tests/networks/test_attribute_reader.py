from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from limn.kernel.errors import InputError, WeightsError
from limn.networks.attribute_reader import CONFIG, AttributeReader
from limn.networks.shipped import WEIGHTS
from limn.networks.weights import write_tensors

SMALL = {"size": 16, "patch": 2, "widths": [16], "blocks": [1], "cells": 2, "width": 8}
FIELDS = {"tone": ["light", "dark", "none"], "gender": ["woman", "man"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = AttributeReader.from_config({**SMALL, "fields": FIELDS})
    write_tensors(tmp_path / WEIGHTS, dict(network.state_dict()))
    (tmp_path / CONFIG).write_text(json.dumps(asdict(network.config)))
    return tmp_path


def test_each_field_has_its_logits(folder: Path) -> None:
    network = AttributeReader.load(folder)
    found = network(torch.randn(3, 3, 16, 16))
    assert {name: tuple(each.shape) for name, each in found.items()} == {"tone": (3, 3), "gender": (3, 2)}
    assert all(each.dtype == torch.float32 for each in found.values())
    assert not any(each.requires_grad for each in network.parameters())


def test_a_picture_is_read_alone_as_it_is_among_others(folder: Path) -> None:
    network, x = AttributeReader.load(folder), torch.randn(4, 3, 16, 16)
    together = network(x)
    for row in range(4):
        alone = network(x[row : row + 1])
        assert all(torch.allclose(alone[name], together[name][row], atol=1e-5) for name in FIELDS)


@pytest.mark.parametrize("fields", [{}, {"a": ["one"]}, {"a": ["one", "one"]}, {"a": [1, 2]}, {"a": "no"}])
def test_fields_without_a_choice_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match=r"field|list"):
        AttributeReader.from_config({**SMALL, "fields": fields})


def test_unknown_readers_are_named() -> None:
    with pytest.raises(InputError, match="reader"):
        AttributeReader.locate("readr")


def test_the_shipped_reader_is_small() -> None:
    assert sum(each.numel() for each in AttributeReader.load("reader").parameters()) <= 500_000
