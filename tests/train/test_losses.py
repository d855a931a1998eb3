from __future__ import annotations

import pytest
import torch
from torch import Tensor

from limn.train.losses import autoencoding, enlarging, generation, noise_levels, seen_apart
from limn.train.recipe import Objective


@pytest.mark.parametrize("target", ["flow", "eps", "x0"])
def test_a_network_that_knows_the_answer_has_no_loss(target: str) -> None:
    clean = torch.randn(6, 2, 4, 4)

    def oracle(x: Tensor, time: Tensor) -> Tensor:
        sigma = time[:, None, None, None]
        noise = (x - (1 - sigma) * clean) / sigma
        return {"flow": noise - clean, "eps": noise, "x0": clean}[target]

    objective = Objective(target=target)  # type: ignore[arg-type]
    assert generation(oracle, clean, objective, torch.Generator().manual_seed(0)) < 1e-6


def test_answering_nothing_costs_what_the_target_weighs() -> None:
    clean = torch.zeros(64, 3, 8, 8)
    loss = generation(lambda x, _: 0 * x, clean, Objective(), torch.Generator().manual_seed(0))
    assert loss == pytest.approx(1.0, abs=0.05)  # the mean square of the noise


def test_noise_levels_are_logit_normal() -> None:
    levels = noise_levels(20_000, Objective(time_mean=0.5, time_std=2.0), torch.Generator().manual_seed(0))
    normal = torch.logit(levels.double())
    assert normal.mean() == pytest.approx(0.5, abs=0.05)
    assert normal.std() == pytest.approx(2.0, abs=0.05)


def test_the_autoencoder_loss_in_closed_form() -> None:
    clean, zeros = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 1, 1)
    even = autoencoding(clean + 0.5, clean, zeros, zeros, Objective())
    assert even == pytest.approx(0.5 + 0.25)  # no edges, no divergence
    slope = torch.arange(4.0).expand(2, 3, 4, 4)
    steep = autoencoding(slope, clean, zeros, zeros, Objective(gradients=2.0))
    assert steep == pytest.approx(1.5 + 3.5 + 2.0)
    far = autoencoding(clean, clean, zeros + 2, zeros, Objective(kl=0.1))
    assert far == pytest.approx(0.1 * 2)


def test_the_loss_of_enlarging_in_closed_form() -> None:
    clean = torch.zeros(2, 3, 4, 4)
    assert enlarging(clean - 0.5, clean, Objective()) == pytest.approx(0.5)  # no edges
    stripes = clean.clone()
    stripes[..., ::2] = 0.5
    assert enlarging(stripes, clean, Objective(gradients=2.0)) == pytest.approx(0.25 + 2 * 0.5)


def test_features_apart_are_told_by_their_direction_alone() -> None:
    """The same, twice as strong, are 0 apart; opposite ones 4, at right angles 2; sizes count alike."""
    one = torch.zeros(2, 3, 4, 4)
    one[:, 0] = 1.5
    aside = one.roll(1, dims=1)
    assert seen_apart([one], [2 * one]) == 0
    assert seen_apart([one], [-one]) == pytest.approx(4)
    assert seen_apart([one, one[..., :1, :1]], [aside, one[..., :1, :1]]) == pytest.approx(1)
