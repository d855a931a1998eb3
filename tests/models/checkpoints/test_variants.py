"""Further members of families against diffusers: schnell, SD3 without T5, PixArt-Sigma, klein as distilled."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from agreement import NEGATIVES, TEXTS, Pair, close
from limn.guidance.classifier_free import ClassifierFree
from tiny_families import FAMILIES
from tiny_families.flux import flux_pipeline
from tiny_families.flux2 import klein_pipeline
from tiny_families.pixart import pixart_pipeline
from tiny_families.sd3 import sd3_pipeline


def _distilled() -> Any:
    pipe = klein_pipeline()
    pipe.register_to_config(is_distilled=True)
    return pipe


VARIANTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "FLUX.1-schnell": ("flux", lambda: flux_pipeline(guided=False)),
    "SD3 without T5": ("sd3", lambda: sd3_pipeline(words=False)),
    "PixArt-Sigma": ("pixart", lambda: pixart_pipeline(alpha=False)),
    "klein, distilled": ("flux2", _distilled),
}
STEPS = {"FLUX.1-schnell": 4, "SD3 without T5": 28, "PixArt-Sigma": 20, "klein, distilled": 4}


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Pair]:
    family, build = VARIANTS[request.param]
    own = replace(FAMILIES[family], build=build)
    pair = Pair(own, tmp_path_factory.mktemp("variant") / "model")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        pipe = build()
        pipe.set_progress_bar_config(disable=True)
    pair.__dict__["pipe"] = pipe
    return request.param, pair


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.float64])
def test_latents_equal_the_pipelines(variant: tuple[str, Pair], dtype: torch.dtype) -> None:
    name, pair = variant
    pipe, noise = pair.pipeline(dtype), pair.noise(3, dtype)
    close(pair.ours(TEXTS, [], noise), pair.family.theirs(pipe, TEXTS, None, noise, 3))
    if "distilled" in name:
        return  # its pipeline leaves negative prompts out
    guided = pair.ours(TEXTS, pair.against(NEGATIVES[1]), noise)
    close(guided, pair.family.theirs(pipe, TEXTS, [NEGATIVES[1]] * 3, noise, 3))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_what_they_are_drawn_with(variant: tuple[str, Pair]) -> None:
    name, pair = variant
    generator = pair.generators[torch.float32]
    assert generator.stages[0].steps == STEPS[name]
    scale = {"SD3 without T5": 7.0, "PixArt-Sigma": 4.5}.get(name, 1.0)
    assert generator.guidance == (ClassifierFree(scale=scale),)
