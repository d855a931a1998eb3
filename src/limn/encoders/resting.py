"""An encoder whose networks go from memory once prompts are read, and come back from their files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from limn.kernel.predictor import Ask, Conditioning


@dataclass(eq=False)
class Resting:
    """Another encoder, with all that it has; what was read is kept by :class:`limn.kernel.encodings.Encodings`.

    Whatever looks at the encoder otherwise finds its networks filled.

    Args:
        reader: Turns asks into conditioning.
        networks: Its networks, and what fills each of them again in its place.
        short: Says whether memory is short.
        always: Whether the networks go whether memory is short or not.
    """

    reader: Any
    networks: Mapping[nn.Module, Callable[[], object]]
    short: Callable[[], bool]
    always: bool = False

    def encode(self, asks: Sequence[Ask]) -> Conditioning:
        """Return one row of conditioning for each ask; where memory is short the networks go then."""
        self.wake()
        rows: Conditioning = self.reader.encode(asks)
        if not rows.tokens.requires_grad and (self.always or self.short()):
            self.release()
        return rows

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the (start, end) characters of each token."""
        spans: list[tuple[int, int]] = self.reader.spans(text)
        return spans

    def unread(self, text: str) -> str:
        """Return the end of a text that is past the limit and not read."""
        return str(self.reader.unread(text))

    def knowing(self, words: Mapping[str, Any]) -> Resting:
        """Return an encoder that reads each of these words as its vectors, on the same networks."""
        self.wake()
        return Resting(self.reader.knowing(words), self.networks, self.short, self.always)

    def release(self) -> None:
        """Let all weights go; shapes stay."""
        for network in self.networks:
            for module in network.modules():
                for name, weight in module.named_parameters(recurse=False):
                    empty = torch.empty_like(weight, device="meta")
                    setattr(module, name, nn.Parameter(empty, requires_grad=False))

    def wake(self) -> None:
        """Fill the networks that have no weights."""
        for network, fill in self.networks.items():
            if any(weight.is_meta for weight in network.parameters()):
                fill()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "reader" not in self.__dict__:
            raise AttributeError(name)
        value = getattr(self.reader, name)
        self.wake()
        return value
