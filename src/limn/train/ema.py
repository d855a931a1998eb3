"""The exponential moving average of weights: what is sampled from and shipped."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """Averaged weights of a network; the decay rises with the steps, so that early weights are soon forgotten.

    Args:
        network: The network whose parameters are averaged; buffers are taken as they are.
        decay: Decay after many steps; at step n it is at most (1 + n) / (20 + n).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights: dict[str, Tensor] = {
            name: weight.detach().clone() for name, weight in network.state_dict().items()
        }

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the weights after step number ``step``, counted from 1."""
        decay = min(self.decay, (1 + step) / (20 + step))
        now = network.state_dict()
        mean = [self.weights[name] for name in now if now[name].is_floating_point()]
        torch._foreach_lerp_(mean, [weight for weight in now.values() if weight.is_floating_point()], 1 - decay)

    @torch.no_grad()
    def fill(self, network: nn.Module) -> None:
        """Copy the averaged weights into a network of the same shape."""
        network.load_state_dict(self.weights)
