"""Token models from a folder: both families draw, and folders that do not fit are refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import limn.models
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.kernel.runner import Ledger
from limn.networks.transformer import Transformer, TransformerConfig
from limn.networks.vq import VQ, VQConfig
from limn.networks.weights import write_tensors

Change = Callable[[dict[str, Any]], None]


def build(folder: Path, family: str = "muse", change: Change = lambda config: None) -> Path:
    """Write a small token model whose random weights answer something."""
    torch.manual_seed(0)
    tokenizer = VQ(VQConfig(codes=12, code_width=3, widths=(16, 16), blocks=(1, 1)))
    network = Transformer(
        TransformerConfig(
            width=32, depth=2, heads=2, channels=1, grid=4, vocabulary=13, text_width=128, causal=family == "parti"
        )
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    write_tensors(folder / "model.safetensors", network.state_dict())
    write_tensors(folder / "vq.safetensors", tokenizer.state_dict())
    config = {
        "family": family, "size": 16, "transformer": asdict(network.config), "vq": asdict(tokenizer.config),
        "steps": 4, "batch": 3,
    }  # fmt: skip
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(params=["muse", "parti"])
def generator(request: pytest.FixtureRequest, tmp_path: Path) -> Generator:
    return limn.models.load(build(tmp_path, request.param))


def test_pictures_come_and_depend_on_words_and_seed_only(generator: Generator) -> None:
    prompts = ["a red circle", "a blue square", "a red circle", "a star"]
    pictures = [each.pixels for each in generator.generate(prompts, seed=3)]
    assert pictures[0].shape == (16, 16, 3)
    assert np.array_equal(pictures[0], pictures[2]), "the same words and seed"
    assert not np.array_equal(pictures[0], pictures[1])
    (alone,) = generator.generate("a blue square", seed=3)
    assert np.array_equal(alone.pixels, pictures[1]), "whatever the company"
    (other,) = generator.generate("a blue square", seed=4)
    assert not np.array_equal(other.pixels, pictures[1])


def test_forwards_are_steps_for_one_family_and_tokens_for_the_other(generator: Generator) -> None:
    ledger, muse = Ledger(), generator.request("a").sampler["name"] == "unmask"
    list(generator.draw(generator.request("a red circle"), ledger=ledger))
    assert len(ledger.forwards) == (4 if muse else 16)
    assert ledger.rows == 2 * len(ledger.forwards)


def test_the_scale_reaches_the_model(generator: Generator) -> None:
    drawn = [
        generator.generate("a red circle", guidance=[f"classifier_free:scale={scale}"])[0].pixels
        for scale in (1, 6)
    ]  # fmt: skip
    assert not np.array_equal(*drawn)
    without = generator.generate("a red circle", guidance=[])[0].pixels
    assert np.array_equal(drawn[0], without)


def test_samplers_and_steps_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    for family, options, message in [
        ("muse", {"sampler": "ddim"}, "draws tokens"),
        ("parti", {"steps": 5}, "one for each token"),
    ]:
        folder = tmp_path / family
        folder.mkdir()
        generator = limn.models.load(build(folder, family))
        with pytest.raises(InputError, match=message):
            generator.generate("a", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.update(family="musée"), "unknown family"),
        (lambda config: config.update(family=["muse"]), "unknown family"),
        (lambda config: config.update(family="parti"), "causal"),
        (lambda config: config.update(size=32), "size"),
        (lambda config: config.update(sampler="unmsk"), "unmask"),
        (lambda config: config.update(scale=1e9), "scale"),
        (lambda config: config["vq"].update(codes=13), "tokens"),
        (lambda config: config["vq"].update(code_width=4), "encoder|codebook"),
        (lambda config: config["transformer"].update(vocabulary=10**9), "vocabulary"),
        (lambda config: config.update(stepz=3), "steps"),
    ],
)
def test_folders_that_do_not_fit_are_refused(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        limn.models.load(build(tmp_path, change=change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["model.safetensors", "vq.safetensors"])
def test_missing_and_damaged_weights_are_refused(tmp_path: Path, name: str) -> None:
    folder = build(tmp_path)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-100])
    with pytest.raises(WeightsError, match=name):
        limn.models.load(folder)
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=name):
        limn.models.load(folder)
