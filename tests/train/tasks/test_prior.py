from __future__ import annotations

import torch

import streams
from limn.networks.embedding_map import EmbeddingMap, EmbeddingMapConfig
from limn.testing import check_task
from limn.train.tasks.prior import Prior


def test_it_is_a_task() -> None:
    check_task(Prior, streams.recipe("prior", network={"noisy": True}))


def test_a_perfect_prior_ends_at_the_clean_embedding() -> None:
    network = EmbeddingMap(EmbeddingMapConfig(noisy=True, width=8, depth=1))
    clean = torch.randn(3, 128, generator=torch.Generator().manual_seed(0))
    network.forward = lambda text, noisy, time: clean  # type: ignore[method-assign]
    for steps in (1, 4):
        drawn = network.drawn(torch.zeros(3, 128), torch.randn(3, 128), steps, scale=3.0)
        torch.testing.assert_close(drawn, clean, atol=1e-5, rtol=0)
