"""FLUX.2-klein and dev against diffusers' pipelines."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch

from agreement import TEXTS, Agreement, Pair, close
from limn.guidance.embedded import Embedded
from limn.kernel.generator import Generator
from tiny_families import FAMILIES


class TestFlux2(Agreement):
    name = "flux2"


class Dev(Pair):
    """Its tokenizer is part of a processor of words and pictures, which needs torchvision to be made."""

    @cached_property
    def generators(self) -> dict[torch.dtype, Generator]:
        save: Callable[..., None] = self.pipe.save_pretrained

        def named(folder: Path) -> None:
            save(folder)
            index = json.loads((folder / "model_index.json").read_text("utf-8"))
            index["tokenizer"] = ["transformers", "PixtralProcessor"]
            (folder / "model_index.json").write_text(json.dumps(index), "utf-8")

        self.pipe.save_pretrained = named
        try:
            return super().generators
        finally:
            del self.pipe.save_pretrained


class TestDev(Agreement):
    name = "flux2_dev"

    @pytest.fixture(scope="class")
    @classmethod
    def pair(cls, tmp_path_factory: pytest.TempPathFactory) -> Pair:
        return Dev(FAMILIES[cls.name], tmp_path_factory.mktemp(cls.name) / cls.name, name=cls.name)

    @pytest.mark.parametrize("dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.float64])
    def test_latents_equal_the_pipelines(self, pair: Pair, dtype: torch.dtype) -> None:
        pipe: Any = pair.pipeline(dtype)
        for count in (1, 3):
            noise = pair.noise(count, dtype)
            close(
                pair.ours(TEXTS[:count], [Embedded(scale=4.0)], noise),
                pair.family.theirs(pipe, TEXTS[:count], None, noise, 3),
            )
        other = pair.ours(TEXTS[:count], [Embedded(scale=1.0)], noise)
        assert (other - pair.ours(TEXTS[:count], [], noise)).abs().max() > 1e-4, "the scale plays a part"
        assert pair.generators[dtype].guidance == (Embedded(scale=4.0),)
