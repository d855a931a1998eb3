"""Sana and Sana-Sprint against diffusers' pipelines."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agreement import NEGATIVES, TEXTS, Agreement, Pair, close
from limn.guidance.embedded import Embedded
from limn.guidance.pag import PAG
from limn.kernel.errors import InputError
from tiny_families import FAMILIES


class TestSana(Agreement):
    name = "sana"
    exact = False

    def test_what_needs_scores_of_the_picture_is_refused(self, pair: Pair) -> None:
        with pytest.raises(InputError, match="self-attention is linear and has no matrix of scores"):
            pair.ours(TEXTS[:1], [PAG()], pair.noise(1))

    def test_a_prompt_is_read_after_the_instruction_and_what_is_not_wanted_without(self, pair: Pair) -> None:
        plain, guided = (pair.ours(TEXTS[:1], guides, pair.noise(1)) for guides in ([], pair.against(NEGATIVES[0])))
        assert (plain - guided).abs().max() > 0


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_sprints_latents_equal_the_pipelines(tmp_path: Path, steps: int) -> None:
    from limn.kernel.prompt import Prompt
    from limn.kernel.rng import Streams

    pair = Pair(FAMILIES["sana_sprint"], tmp_path / "sprint", name="sana_sprint")
    noise = pair.noise(2)
    want = pair.family.theirs(pair.pipe, TEXTS[:2], None, noise, steps)
    stage = pair.generators[torch.float32].stages[0]
    *_, last = stage.walk(
        [Prompt(text) for text in TEXTS[:2]], [Embedded(scale=4.5)], Streams([0, 1]), size=pair.family.size,
        steps=steps, noise=noise,
    )  # fmt: skip
    close(last.x, want)
    assert pair.generators[torch.float32].guidance == (Embedded(scale=4.5),)
