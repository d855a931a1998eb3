"""Tokens for pictures: what is minimised, and that a decoder learns alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from limn.networks import vq
from limn.train.loop import train
from limn.train.network import averaged
from limn.train.recipe import Recipe, parse
from limn.train.tasks.vq import VQ, perceptual_distance

VQ_FIELDS: dict[str, Any] = {
    "name": "vq", "task": "vq", "data": {"world": "shapes"}, "precision": "float32",
    "network": {"codes": 16, "code_width": 4, "widths": [16, 16, 16], "blocks": [1, 1, 1]},
    "optimiser": {"batch": 4, "lr": 0.005}, "schedule": {"steps": 6, "warmup": 1},
    "saving": {"steps": 100, "sheet_minutes": 0.0},
}  # fmt: skip


def run(made: Recipe, out: Path) -> None:
    list(train(made, out, device="cpu"))


def test_fine_tuning_the_decoder_keeps_every_token(tmp_path: Path) -> None:
    run(parse(VQ_FIELDS), tmp_path / "first")
    more = dataclasses.replace(parse(VQ_FIELDS), init=str(tmp_path / "first"), objective={"decoder": True}, ema=0.5)
    run(more, tmp_path / "second")
    first, second = averaged(tmp_path / "first"), averaged(tmp_path / "second")
    assert isinstance(first, vq.VQ)
    assert isinstance(second, vq.VQ)
    pictures = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    ids = first.encode(pictures)
    assert torch.equal(second.encode(pictures), ids)
    assert not torch.equal(second.decode(ids), first.decode(ids))


def test_a_judge_may_tell_a_tokenizer_what_it_sees_apart() -> None:
    """The features' distance is added by its weight, and the judge itself does not learn."""
    plain = VQ(parse(VQ_FIELDS), "cpu")
    one, two = (VQ(parse({**VQ_FIELDS, "objective": {"features": weight}}), "cpu") for weight in (1.0, 3.0))
    base, single, triple = (each.loss(0).item() for each in (plain, one, two))
    assert single > base
    assert triple - base == pytest.approx(3 * (single - base), rel=1e-3)
    assert one.tower is not None
    assert not any(each.requires_grad for each in one.tower.parameters())


def test_features_apart_are_told_by_their_direction_alone() -> None:
    """The same, twice as strong, are 0 apart; opposite ones 4, at right angles 2; sizes count alike."""
    one = torch.zeros(2, 3, 4, 4)
    one[:, 0] = 1.5
    aside = one.roll(1, dims=1)
    assert perceptual_distance([one], [2 * one]) == 0
    assert perceptual_distance([one], [-one]) == pytest.approx(4)
    assert perceptual_distance([one, one[..., :1, :1]], [aside, one[..., :1, :1]]) == pytest.approx(1)
