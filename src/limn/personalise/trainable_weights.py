"""All weights of one network, which learn in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn

from limn.kernel.errors import InputError
from limn.personalise.denoising import Box
from limn.personalise.learned import Learned
from limn.personalise.trainable import Trainable


class TrainableWeights(Trainable):
    """The weights of a network; from then on the model in memory is no longer the untouched one.

    Args:
        network: Frozen until now.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__(dict(network.named_parameters()))
        for weight in self.weights.values():
            weight.requires_grad_(True)

    def on(self, boxes: Sequence[Box] = ()) -> AbstractContextManager[None]:
        """Change nothing: the weights are where they are asked."""
        return nullcontext()

    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Refuse: a whole network is a model folder, not a file beside a model."""
        raise InputError("out: all weights are a model folder of their own; name a folder")
