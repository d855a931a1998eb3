"""A cascade: what is drawn small is drawn large."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import limn
import streams
from limn.kernel.errors import WeightsError
from limn.kernel.generator import Generator
from limn.train.export import export


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("glide")
    streams.base(folder)
    shape = {"widths": [16, 16], "blocks": [1, 1, 1]}
    export(streams.trained(streams.recipe("cascade", network=shape), folder / "run"), folder / "cascade")
    (folder / "glide").mkdir()
    config = {"family": "glide", "base": "base", "size": 256, "steps": 2, "large_steps": 2}
    (folder / "glide" / "config.json").write_text(json.dumps(config))
    return folder / "glide"


@pytest.fixture(scope="module")
def glide(folder: Path) -> Generator:
    return limn.load(folder)


def test_it_draws_large_what_its_base_draws_small(folder: Path, glide: Generator) -> None:
    large = glide.generate("a red heart", seed=1, scale=1)[0].pixels
    small = limn.load(folder.parent / "base").generate("a red heart", seed=1, steps=2, scale=1, sampler="euler")[0]
    assert large.shape == (256, 256, 3)
    mean = large.reshape(64, 4, 64, 4, 3).mean((1, 3))
    gap = np.abs(mean - small.pixels).mean()
    assert gap < np.abs(mean[:, ::-1] - small.pixels).mean() or gap < 20


def test_it_replays_and_picture_k_is_picture_k(glide: Generator) -> None:
    request = glide.request(["a red heart", "a dog"], n=2, seed=5)
    again = limn.kernel.request.Request.from_record(request.record())
    one, two = ([p.pixels for p in glide.draw(asked) if hasattr(p, "pixels")] for asked in (request, again))
    assert all(map(np.array_equal, one, two))
    alone = glide.generate("a dog", seed=6)[0].pixels.astype(int)
    assert np.abs(alone - one[3]).max() <= 1


def test_what_does_not_fit_is_refused(folder: Path, tmp_path: Path) -> None:
    wrong = folder.parent / "wrong"
    wrong.mkdir()
    (wrong / "config.json").write_text((folder / "config.json").read_text().replace("256", "128"))
    with pytest.raises(WeightsError, match="base and upsampler do not fit"):
        limn.load(wrong)
