from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from limn.train.tasks.autoregressive import next_loss


def test_each_token_is_learned_from_those_before_it() -> None:
    ids, seen = torch.tensor([[3, 1, 2]]), list[Tensor]()

    def network(tokens: Tensor) -> Tensor:
        seen.append(tokens)
        return F.one_hot(ids, 5) * 50.0

    assert next_loss(network, ids, 4) < 1e-6
    assert seen[0].tolist() == [[4, 3, 1]]
    assert next_loss(lambda tokens: torch.zeros(1, 3, 5), ids, 4).item() == pytest.approx(math.log(4))
    next_loss(network, ids, 4, torch.tensor([[True, False, True]]))
    assert seen[-1].tolist() == [[4, 4, 1]], "a forgotten token is still asked for, and not seen by later ones"
