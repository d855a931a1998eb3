"""Text encoders go from memory once prompts are read, and come back: folders and files of every kind."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from typer.testing import CliRunner

from limn import models
from limn.cli.app import app
from limn.kernel import memory as drawing
from limn.kernel.errors import InputError, ModelWarning
from limn.kernel.generator import Generator
from limn.kernel.memory import Halved
from limn.kernel.predictor import Ask
from limn.kernel.prompt import Prompt
from limn.models import memory
from tiny_families import built

diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def _sd(folder: Path) -> str:
    scheduler = diffusers.DDIMScheduler(**tiny.BETAS, clip_sample=False, steps_offset=1)
    return str(tiny.stable_diffusion(folder, scheduler=scheduler))


def _pair(folder: Path) -> str:
    refiner = tiny.sdxl(folder / "refiner", refiner=True, seed=1)
    return f"{tiny.sdxl(folder / 'base')}:refiner={refiner}"


def _family(name: str, folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built(name).save_pretrained(folder)
    return str(folder)


MAKE: dict[str, Callable[[Path], str]] = {
    "sd": _sd,
    "pair": _pair,
    "flux": lambda folder: _family("flux", folder),
    "z_image": lambda folder: _family("z_image", folder),
    "sd3": lambda folder: _family("sd3", folder),
}


def networks(generator: Generator) -> list[Any]:
    encoder: Any = generator.stages[0].encoder
    return list(encoder.networks)


def gone(generator: Generator) -> bool:
    return all(weight.is_meta for network in networks(generator) for weight in network.parameters())


@pytest.mark.parametrize("kind", MAKE)
@pytest.mark.slow
def test_encoders_go_and_come_back(kind: str, tmp_path: Path) -> None:
    name = MAKE[kind](tmp_path)
    generator, plain = models.load(name), models.load(name)
    assert len(networks(generator)) == {"sd": 1, "pair": 3, "flux": 2, "z_image": 1, "sd3": 3}[kind]
    weight = weakref.ref(next(networks(generator)[0].parameters()))
    generator.drop_encoders()
    gc.collect()
    assert weight() is None, "nothing holds the weights"
    assert gone(generator)
    size = (32, 48) if kind in ("flux", "z_image", "sd3") else (64, 64)
    for text in ("a red heart", "a blue cat", "a red heart"):
        wanted = plain.generate(text, steps=1, size=size)[0].pixels
        assert np.array_equal(generator.generate(text, steps=1, size=size)[0].pixels, wanted)
        assert gone(generator)
    assert not gone(plain)


def test_they_go_where_memory_is_short_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, rows = models.load(_sd(tmp_path)), [Ask(Prompt("a red heart"))]
    encoder = generator.stages[0].encoder
    encoder.encode(rows)
    assert not gone(generator)
    monkeypatch.setattr(memory, "free", lambda: memory.drawing((64, 64), 4) - 1)
    encoder.encode(rows)
    assert gone(generator)
    assert encoder.spans("a red heart"), "spans need no weights"
    assert gone(generator)
    assert not any(weight.is_meta for model in encoder.models for weight in model.parameters()), (
        "who looks finds them"
    )


def test_a_lora_reaches_an_encoder_that_comes_back(tmp_path: Path) -> None:
    import torch

    from limn.networks.weights import write_tensors

    name = _sd(tmp_path / "m")
    plain, lean = models.load(name), models.load(name)
    lean.drop_encoders()
    layer = "text_encoder.text_model.encoder.layers.0.self_attn.q_proj"
    torch.manual_seed(0)
    file = tmp_path / "lora.safetensors"
    write_tensors(file, {f"{layer}.lora_A.weight": torch.randn(2, 16), f"{layer}.lora_B.weight": torch.randn(16, 2)})
    pictures = [own.generate("a red heart", steps=2, adapter=[str(file)])[0].pixels for own in (plain, lean)]
    assert np.array_equal(*pictures)
    assert not np.array_equal(pictures[0], plain.generate("a red heart", steps=2)[0].pixels)


def test_they_go_when_memory_ran_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = models.load(_sd(tmp_path))
    request, whole = generator.request("a red heart", n=2, steps=1), generator.draw
    failed: list[int] = []

    def draw(*given: Any, **options: Any) -> Any:
        if not failed:
            failed.append(options["batch"])
            raise MemoryError
        return whole(*given, **options)

    monkeypatch.setattr(generator, "draw", draw)
    events = list(drawing.draw(generator, request, done=(), batch=2))
    assert any(isinstance(event, Halved) for event in events)
    assert gone(generator)


def test_on_request_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Generator] = []
    load = models.load

    def loaded(*given: Any, **options: Any) -> Generator:
        kept.append(load(*given, **options))
        return kept[-1]

    monkeypatch.setattr(models, "load", loaded)
    line = [
        "generate",
        "a red heart",
        "--model",
        _sd(tmp_path / "m"),
        "--steps",
        "1",
        "--out",
        str(tmp_path / "runs"),
    ]
    assert CliRunner().invoke(app, [*line, "--drop-encoders"]).exit_code == 0
    assert gone(kept[0])


def test_a_transformer_that_does_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = _family("flux", tmp_path)
    monkeypatch.setattr(memory, "free", lambda: 1000)
    with pytest.raises(InputError, match=r"its weights take .*, 0\.0 MB are free"):
        models.load(name)
    monkeypatch.setattr(memory, "free", lambda: memory.drawing((256, 256), 4) - 1)
    with pytest.warns(ModelWarning, match="takes about"):
        models.load(name)
