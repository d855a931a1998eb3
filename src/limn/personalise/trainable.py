"""What learns: some tensors, and a context in which a model has the change that they make."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack

from torch import Tensor, nn

from limn.kernel.predictor import Encoder
from limn.personalise.denoising import Box
from limn.personalise.learned import Learned


class Trainable(ABC):
    """A change to a model that learns.

    Args:
        weights: What learns, by names that stay the same over runs.
    """

    encoder: Encoder | None = None
    """What reads texts instead of the model's own encoder."""
    reads: bool = False
    """Whether texts are read anew at every step, since how they are read is what learns."""
    scale: float = 1.0
    """What the learning rate is multiplied by."""

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        self.weights = dict(weights)

    @abstractmethod
    def on(self, boxes: Sequence[Box] = ()) -> AbstractContextManager[None]:
        """Return a context in which the model has the change.

        Args:
            boxes: Which part of a picture each row of the forward shows; the whole one unless given.
        """

    @abstractmethod
    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Return what goes into a file.

        Args:
            tensors: Values of :attr:`weights`.
        """

    def settle(self) -> None:  # noqa: B027
        """Bring the weights back to where they may be, after each step; nothing by default."""

    def facts(self) -> dict[str, float]:
        """Return what is told of the weights while they learn."""
        return {}


class Several(Trainable):
    """Several at once, of which at most one has an encoder of its own.

    Args:
        parts: Their weights have different names.
    """

    def __init__(self, *parts: Trainable) -> None:
        super().__init__({name: weight for part in parts for name, weight in part.weights.items()})
        self.parts, self.reads = parts, any(part.reads for part in parts)
        self.encoder = next((part.encoder for part in parts if part.encoder is not None), None)

    def on(self, boxes: Sequence[Box] = ()) -> AbstractContextManager[None]:
        """Return a context in which the model has all of them."""
        stack = ExitStack()
        for part in self.parts:
            stack.enter_context(part.on(boxes))
        return stack  # type: ignore[return-value]

    def learned(self, tensors: Mapping[str, Tensor]) -> Learned:
        """Return what goes into a file, of all."""
        parts = [part.learned({name: tensors[name] for name in part.weights}) for part in self.parts]
        return Learned(
            words={word: vectors for part in parts for word, vectors in part.words.items()},
            changes={network: changes for part in parts for network, changes in part.changes.items()},
            extra={name: tensor for part in parts for name, tensor in part.extra.items()},
        )

    def settle(self) -> None:
        """Settle each."""
        for part in self.parts:
            part.settle()

    def facts(self) -> dict[str, float]:
        """Return the facts of all."""
        return {name: value for part in self.parts for name, value in part.facts().items()}
