from __future__ import annotations

import torch

import streams
from limn.networks.diffusion_upsampler import DiffusionUpsampler, DiffusionUpsamplerConfig
from limn.testing import check_task
from limn.train.tasks.cascade import Cascade, enlarge

SHAPE = {"factor": 4, "widths": [16, 16], "blocks": [1, 1, 1]}


def test_it_is_a_task() -> None:
    check_task(Cascade, streams.recipe("cascade", network=SHAPE))


def test_at_first_it_draws_the_enlarged_picture() -> None:
    network = DiffusionUpsampler(DiffusionUpsamplerConfig(widths=(16, 16), blocks=(1, 1, 1)))
    small = torch.rand(2, 3, 8, 8) * 2 - 1
    plain = torch.nn.functional.interpolate(small, scale_factor=4, mode="bicubic")
    with torch.no_grad():
        for steps in (1, 3):
            torch.testing.assert_close(enlarge(network, small, steps=steps, blur=0.0), plain, atol=1e-5, rtol=0)
