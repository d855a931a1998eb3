from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.train.loop import train
from limn.train.recipe import Recipe, parse, read
from limn.train.tasks import attribute_classifier
from limn.train.tasks.attribute_classifier import AttributeClassifier, attribute_loss, labels_of

SAMPLE = Path(__file__).parents[2] / "sample" / "pictograms"
FIELDS = {"style": ["3d", "noto", "twemoji", "flat"], "gender": ["woman", "man", "person", "none"]}
NETWORK = {"size": 64, "patch": 8, "widths": [16], "blocks": [1], "cells": 2, "width": 8, "fields": FIELDS}


def recipe(**data: object) -> Recipe:
    return parse({
        "name": "tiny", "task": "reader", "schedule": {"steps": 4, "warmup": 1}, "optimiser": {"batch": 12},
        "data": {"folder": str(SAMPLE), **data}, "network": NETWORK, "saving": {"steps": 4, "sheet_minutes": 0.0},
    })  # fmt: skip


def test_the_loss_has_a_closed_form() -> None:
    logits = {"a": torch.tensor([[1.0, 3.0], [0.0, 0.0], [2.0, -1.0]]), "b": torch.zeros(3, 5)}
    labels = torch.tensor([[1, -1], [0, 2], [1, 4]])
    readable = torch.tensor([True, True, False])
    first = math.log(1 + math.exp(-2)) + math.log(2)
    nothing = (math.log(1 + math.exp(-3)) + math.log(1 + math.exp(3))) / 2
    a, b = (first + nothing) / 3, math.log(5)
    assert float(attribute_loss(logits, labels, readable)) == pytest.approx((a + b) / 2)


def test_where_nothing_is_known_nothing_is_learned() -> None:
    logits = torch.randn(2, 4, requires_grad=True)
    loss = attribute_loss({"a": logits}, torch.full((2, 1), -1), torch.ones(2, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("softly", [False, True])
def test_batches_follow_from_the_seed_and_the_step_alone(softly: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if softly:  # any other version will do, and cheaply
        soft = lambda pictures, name, rng, noise: torch.full((len(pictures), 3, 64, 64), float(rng.random()))  # noqa: E731
        monkeypatch.setattr(attribute_classifier, "reconstructed", soft)
    plan = recipe(autoencoder="emoji" if softly else "", toned=0.5, jitter=0.5)
    one, two = AttributeClassifier(plan, "cpu"), AttributeClassifier(plan, "cpu")
    two.batch(3)
    for step in (1, 0):
        a, b = one.batch(step), two.batch(step)
        assert torch.equal(a.clean, b.clean)
        assert torch.equal(a.labels, b.labels)
        assert a.clean.shape == (12, 3, 64, 64)
        assert a.clean.abs().max() <= 1 + 1e-5
        assert bool(torch.isfinite(one.loss(step)))
    assert softly == any(bool((each == each.flatten()[0]).all()) for each in one.batch(0).clean)


def test_labels_are_those_of_the_columns() -> None:
    source = load(SAMPLE, SPLITS)
    labels = labels_of(source.columns, FIELDS)
    assert labels.shape == (len(source), 2)
    for row, (style, gender) in enumerate(labels.tolist()):
        assert FIELDS["style"][style] == source.columns["style"][row]
        known = source.columns["gender"][row] or "none"
        assert (FIELDS["gender"][gender] == known) if gender >= 0 else (known == "both")


def test_training_runs_and_shows_how_held_out_pictures_are_read(tmp_path: Path) -> None:
    last = list(train(recipe(), tmp_path, device="cpu"))[-1]
    assert last.sheet is not None
    assert last.sheet.exists()
    assert set(last.scores) == set(FIELDS)


def test_the_shipped_recipe_asks_for_every_value_that_pictures_have() -> None:
    fields = read(Path("reader")).network["fields"]
    labels = labels_of(load(SAMPLE, SPLITS).columns, fields)
    assert list(fields) == ["style", "tone", "gender", "profession", "group", "category"]
    assert (labels[:, [0, 4, 5]] >= 0).all()
