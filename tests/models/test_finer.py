"""A second stage draws finer tokens from what the first one drew: what reaches it, and what steers which stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import limn.models
from limn.edit.inpaint import Inpaint
from limn.edit.mask_free import MaskFree
from limn.encoders.coarse import PLACES
from limn.kernel.edit import Edit
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.prompt import Prompt
from limn.kernel.rng import Streams
from limn.kernel.runner import Ledger
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.vq import VQ, VQConfig
from limn.networks.weights import write_tensors
from token_models import Change, build

SIDE = 8
"""Finer tokens along one side of a 16-pixel picture, two for each coarse one."""


def finer(folder: Path, change: Change = lambda fields: None) -> Path:
    """Write a small token model with a finer stage, whose random weights answer something."""
    build(folder)
    torch.manual_seed(1)
    tokenizer = VQ(VQConfig(codes=10, code_width=2, widths=(16,), blocks=(1,)))
    network = Transformer(
        TransformerConfig(
            width=32,
            depth=1,
            heads=2,
            channels=1,
            grid=SIDE,
            vocabulary=11,
            text_width=128 + 3 + PLACES,
            text_limit=24,
        )
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    write_tensors(folder / "finer.safetensors", network.state_dict())
    write_tensors(folder / "finer_vq.safetensors", tokenizer.state_dict())
    config = json.loads((folder / "config.json").read_text())
    config["finer"] = {"transformer": asdict(network.config), "vq": asdict(tokenizer.config), "steps": 3}
    change(config["finer"])
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def generator(tmp_path: Path) -> Generator:
    return limn.models.load(finer(tmp_path))


def picture() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)


def walked(generator: Generator, **options: Any) -> Iterator[Progress]:
    request = generator.request("a red circle", **options)
    return (each for each in generator.draw(request) if isinstance(each, Progress))


def test_a_request_steers_the_first_stage_and_the_second_keeps_its_own(generator: Generator) -> None:
    ledger = Ledger()
    (drawn,) = [
        each
        for each in generator.draw(generator.request("a red circle", steps=5), ledger=ledger)
        if isinstance(each, Picture)
    ]
    assert drawn.pixels.shape == (16, 16, 3)
    assert not drawn.flaw
    assert len(ledger.forwards) == 5 + 3
    assert ledger.rows == 16
    events = list(walked(generator))
    assert [each.state.x.shape[1] for each in events] == [16] * 4 + [SIDE**2] * 3
    assert [(each.step, each.steps) for each in events] == [(k, 7) for k in range(1, 8)]


def test_what_was_drawn_reaches_the_second_stage(generator: Generator) -> None:
    """With nothing left to chance, the finer tokens change with the coarse ones and with the words."""
    generator.stages = (generator.stages[0], _certain(generator.stages[1]))

    def last(coarse: int, prompt: str) -> list[int]:
        ids = torch.full((1, 16), coarse)
        walk = generator.stages[1].walk(
            [Prompt(prompt)], [], Streams([0]), size=(16, 16),
            given={"tokens": ids},
        )  # fmt: skip
        *_, step = walk
        found: list[int] = step.x[0].tolist()
        return found

    assert last(1, "a red circle") == last(1, "a red circle")
    assert last(1, "a red circle") != last(2, "a red circle")
    assert last(1, "a red circle") != last(1, "a blue square on green ground")


def _certain(stage: Any) -> Any:
    return replace(stage, sampler=replace(stage.sampler, temperature=0.0, order_noise=0.0))


def test_each_stage_keeps_what_an_edit_leaves(generator: Generator) -> None:
    edit = Inpaint.box(picture(), (0.5, 0.5, 1, 1))
    for event in walked(generator, edit=edit):
        stage = generator.stages[0 if event.state.x.shape[1] == 16 else 1]
        start = edit.start(stage, (16, 16))
        known = start >= 0
        assert int(known.sum()) == start.shape[1] * 3 // 4
        assert torch.equal(event.state.x[known], start[known])
    request = generator.request("a red circle", edit=edit)
    (drawn,) = [each for each in generator.draw(request) if isinstance(each, Picture)]
    assert np.array_equal(drawn.pixels[:8], picture()[:8])
    assert np.array_equal(drawn.pixels[:, :8], picture()[:, :8])
    assert not np.array_equal(drawn.pixels[8:, 8:], picture()[8:, 8:])


def test_a_drifting_picture_is_refined_anew(generator: Generator) -> None:
    edit: Edit = MaskFree.of(picture())
    assert (edit.start(generator.stages[0], (16, 16)) >= 0).all()
    assert (edit.start(generator.stages[1], (16, 16)) < 0).all()
    events = list(walked(generator, edit=edit, steps=2, sampler="resample"))
    assert len(events) == 2 + 3
    assert (events[-1].state.x >= 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fields: fields["transformer"].update(vocabulary=12), "tokens"),
        (lambda fields: fields["transformer"].update(grid=4), "size"),
        (lambda fields: fields["transformer"].update(causal=True), "causal"),
        (lambda fields: fields["transformer"].update(text_width=128), "text"),
        (lambda fields: fields["transformer"].update(text_limit=16), "words"),
        (lambda fields: fields.update(steps=0), "steps"),
        (lambda fields: fields.update(sampler="unmsk"), "unmask"),
        (lambda fields: fields.update(stepz=3), "steps"),
    ],
)
def test_stages_that_do_not_fit_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        limn.models.load(finer(tmp_path, change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["finer.safetensors", "finer_vq.safetensors"])
def test_missing_weights_are_refused(tmp_path: Path, name: str) -> None:
    (finer(tmp_path) / name).unlink()
    with pytest.raises(WeightsError, match=name):
        limn.models.load(tmp_path)
