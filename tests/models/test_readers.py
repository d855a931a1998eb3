from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.io.files import sha256_of
from limn.kernel.errors import InputError, WeightsError
from limn.models.readers import CONFUSION, KINDS, Reader, names, reader
from limn.networks.attribute_reader import CONFIG, AttributeReader
from limn.networks.shipped import WEIGHTS
from limn.networks.weights import write_tensors

SMALL = {"size": 16, "patch": 2, "widths": [16], "blocks": [1], "cells": 2, "width": 8}
FIELDS = {"tone": ["light", "dark", "none"], "gender": ["woman", "man"]}
SAMPLE = Path(__file__).parents[1] / "sample" / "pictograms"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = AttributeReader.from_config({**SMALL, "fields": FIELDS})
    write_tensors(tmp_path / WEIGHTS, dict(network.state_dict()))
    (tmp_path / CONFIG).write_text(json.dumps(asdict(network.config)))
    counts = {"tone": [[5, 1, 0, 2]] * 3, "gender": [[5, 1, 0]] * 2}
    held = {"thresholds": {"tone": 0.4, "gender": 0.0}, **dict.fromkeys(KINDS, counts)}
    (tmp_path / CONFUSION).write_text(json.dumps(held))
    return tmp_path


def some(count: int = 4, side: int = 16) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def test_values_are_the_likeliest_where_they_are_likely_enough(folder: Path) -> None:
    one = reader(folder)
    assert one.weights == sha256_of(folder / WEIGHTS)
    assert one.fields == {"tone": ("light", "dark", "none"), "gender": ("woman", "man")}
    likely, found = one.probabilities(some()), one.read(some())
    for name, values in one.fields.items():
        assert likely[name].sum(1) == pytest.approx(1, abs=1e-5)
        assert np.array_equal(found[name].confidence, likely[name].max(1))
        for row, value in enumerate(found[name].values):
            sure = found[name].confidence[row] >= one.thresholds[name]
            assert value == (values[int(likely[name][row].argmax())] if sure else None)
    assert one.read(some(), thresholds={"tone": 1.1})["tone"].values == (None,) * 4
    assert set(one.read(some(), fields=["gender"])) == {"gender"}


def test_pictures_states_and_larger_pictures_are_read_alike(folder: Path) -> None:
    one, pictures = reader(folder), some()
    states = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
    large = pictures.repeat(4, 1).repeat(4, 2)
    for name, likely in one.probabilities(pictures).items():
        assert likely == pytest.approx(one.probabilities(states)[name], abs=1e-5)
        assert likely == pytest.approx(one.probabilities(large)[name], abs=0.05)
        assert one.probabilities(pictures[:0])[name].shape == (0, likely.shape[1])
    assert one.read(pictures[:0])["tone"].values == ()


def test_what_is_no_picture_or_no_field_is_refused(folder: Path) -> None:
    one = reader(folder)
    with pytest.raises(InputError, match="uint8"):
        one.read(some().astype(np.float32))
    with pytest.raises(InputError, match="3 channels"):
        one.read(torch.zeros(2, 4, 8, 8))
    with pytest.raises(InputError, match="mood is not read"):
        one.read(some(), fields=["mood"])


@pytest.mark.parametrize("held", [{}, {"thresholds": {"tone": 0.4}}, {"tone": [[1]]}])
def test_a_reader_without_its_counts_is_refused(folder: Path, held: dict[str, object]) -> None:
    (folder / CONFUSION).write_text(json.dumps(held))
    with pytest.raises(WeightsError, match=CONFUSION):
        reader(folder)


def test_the_shipped_reader_reads_real_pictures_and_says_how_well() -> None:
    assert "reader" in names()
    one, source = reader(), load(SAMPLE, SPLITS)
    found = one.read(source.on())
    style = list(zip(found["style"].values, source.columns["style"], strict=True))
    assert np.mean([read == shown for read, shown in style]) > 0.8
    for kind in KINDS:
        for name, values in one.fields.items():
            counts = one.counts[kind][name]
            assert counts.shape == (len(values), len(values) + 1)
            assert np.trace(counts) > 0.6 * counts.sum(), f"{kind} {name}"


def test_readers_are_no_models_that_draw() -> None:
    from limn import models

    assert "reader" not in models.names()
    assert isinstance(reader(), Reader)
