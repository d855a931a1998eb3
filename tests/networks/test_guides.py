from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.codecs.pixels import Pixels
from limn.kernel.errors import InputError
from limn.kernel.level import Level
from limn.kernel.step import Step
from limn.networks.dual_encoder import CONFIG, DualEncoder
from limn.networks.guides import Guide
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors
from limn.networks.weights import write_tensors

SMALL = {"size": 16, "widths": [16], "blocks": [1], "width": 16, "heads": 2, "depth": 1, "out": 24}


def network(**changes: object) -> DualEncoder:
    torch.manual_seed(0)
    made = DualEncoder.from_config({**SMALL, **changes}).eval().requires_grad_(False)
    for each in made.parameters():
        if each.ndim > 1:  # no path is silent
            each.copy_(torch.randn(each.shape) / each[0].numel() ** 0.5)
    return made


def guide(**changes: object) -> Guide:
    return Guide("small", network(**changes))


LEVEL = Level(alpha=0.6, sigma=0.8, time=0.5)


def at(x: Tensor, level: Level = LEVEL, **changes: object) -> Step:
    return Step(index=0, total=2, x=x, level=level, next=Level(1.0, 0.0, 0.0), **changes)  # type: ignore[arg-type]


def test_loaded_from_a_folder(tmp_path: Path) -> None:
    made = network()
    write_tensors(tmp_path / WEIGHTS, made.state_dict())
    (tmp_path / CONFIG).write_text(json.dumps(asdict(made.config)))
    x = torch.rand(2, 3, 16, 16)
    found = Guide.load(str(tmp_path), at(x))
    assert torch.equal(found.pictures(x), made.images(x))
    with pytest.raises(InputError, match="unknown judge 'nobody'"):
        Guide.load("nobody", at(x))


def test_texts_are_read_with_the_shipped_words() -> None:
    vectors, mask = TokenVectors()(["a red heart", "a house"])
    found = guide().texts(["a red heart", "a house"])
    assert torch.equal(found, network().texts(vectors * mask[..., None], mask))
    assert not found.requires_grad


def test_pictures_of_any_size_are_scaled_to_the_guides() -> None:
    x = torch.rand(2, 3, 16, 16)
    large = F.interpolate(x, (32, 32), mode="nearest")
    assert torch.allclose(guide().pictures(large), guide().pictures(F.interpolate(
        large, (16, 16), mode="bilinear", antialias=True)))  # fmt: skip


class Doubled(Pixels):
    def decode(self, state: Tensor) -> Tensor:
        return 2 * state


def test_clean_states_are_seen_as_pictures_unless_the_guide_reads_states() -> None:
    x = torch.rand(2, 3, 16, 16)
    assert torch.equal(guide().clean(x, at(x)), network().images(x))
    assert torch.equal(guide().clean(x, at(x, codec=Doubled())), network().images(2 * x))
    latents = torch.rand(2, 5, 16, 16)
    assert torch.equal(
        guide(channels=5).clean(latents, at(latents, codec=Doubled())), network(channels=5).images(latents)
    )
    with pytest.raises(InputError, match="guide: small reads 4 channels, here are 5"):
        guide(channels=4).clean(latents, at(latents))
    with pytest.raises(InputError, match="reads 4 channels, here are 3"):
        guide(channels=4).pictures(x)


@pytest.mark.parametrize("level", [Level(0.6, 0.8, 0.5), Level(0.25, 0.75, 0.75), Level(1.0, 7.0, 0.5)])
def test_noisy_states_are_read_as_a_share_of_noise(level: Level) -> None:
    """The encoder knows ``(1 - time) * clean + time * noise``; every schedule is brought to that."""
    clean, noise = torch.rand(2, 3, 16, 16), torch.randn(2, 3, 16, 16)
    x, time = level.alpha * clean + level.sigma * noise, level.sigma / (level.alpha + level.sigma)
    found = guide(noisy=True).noisy(x, at(x, level))
    expected = network(noisy=True).images((1 - time) * clean + time * noise, torch.full((2,), time))
    assert torch.allclose(found, expected, atol=1e-5)


def test_noise_for_a_guide_that_does_not_read_it() -> None:
    x = torch.rand(2, 3, 16, 16)
    with pytest.raises(InputError, match="guide: small was not trained on noise; choose another or set noisy=false"):
        guide().noisy(x, at(x))


def test_gradients_reach_the_state_and_not_the_weights() -> None:
    made, x = guide(), torch.rand(2, 3, 16, 16, requires_grad=True)
    made.clean(x, at(x.detach())).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert all(each.grad is None for each in made.network.parameters())
