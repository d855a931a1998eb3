"""A dual encoder that guides: what a prompt says and what a walk shows, in one space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from limn.kernel.errors import InputError
from limn.kernel.step import Step
from limn.networks.dual_encoder import DualEncoder
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors


@cache
def _words() -> TokenVectors:
    """The shipped words, read once: they never change."""
    return TokenVectors()


@dataclass(frozen=True, eq=False)
class Guide:
    """A dual encoder and the words it reads.

    Args:
        name: What it was asked for by.
        network: The frozen network.
        words: Tokenizer and token vectors.
    """

    name: str
    network: DualEncoder
    words: TokenVectors = field(default_factory=_words)

    @classmethod
    def load(cls, name: str, step: Step) -> Guide:
        """Read a guide to where a walk's state is.

        Args:
            name: A shipped dual encoder's name, or a folder.
            step: Any step of the walk.

        Raises:
            InputError: There is no such guide.
            WeightsError: Its files are missing, damaged or do not fit.
        """
        return cls(name, DualEncoder.load(name, device=str(step.x.device)))

    @staticmethod
    def files(name: str) -> tuple[str, ...]:
        """Return the files of a guide that decide what it sees, as :attr:`Guidance.files` names them.

        Raises:
            InputError: There is no such guide.
        """
        folder = f"limn:weights/{name}" if name in DualEncoder.names() else DualEncoder.locate(name)
        return (f"{folder}/{WEIGHTS}",)

    @torch.no_grad()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Return the unit vectors (texts, width) of texts."""
        return self.network.read(self.words, texts)

    def pictures(self, pictures: Tensor) -> Tensor:
        """Return the unit vectors (pictures, width) of pictures (pictures, 3, height, width) of any size.

        Raises:
            InputError: The guide reads states and not pictures.
        """
        self._check(pictures)
        size, pictures = (self.network.config.size, self.network.config.size), pictures.float()
        if pictures.shape[-2:] != size:
            pictures = F.interpolate(pictures, size, mode="bilinear", antialias=True, align_corners=False)
        return self.network.images(pictures)

    def clean(self, clean: Tensor, step: Step) -> Tensor:
        """Return the unit vectors of clean states, seen as pictures unless the guide was trained on states.

        Args:
            clean: Clean states (pictures, channels, height, width).
            step: Where the walk stands; its codec shows the pictures.

        Raises:
            InputError: The guide reads neither pictures nor these states.
        """
        if self.network.config.channels == 3:
            return self.pictures(clean if step.codec is None else step.codec.decode(clean))
        self._check(clean)
        return self.network.images(clean.float())

    def noisy(self, x: Tensor, step: Step) -> Tensor:
        """Return the unit vectors of noisy states at the step's level.

        Args:
            x: Noisy states (pictures, channels, height, width).
            step: Where the walk stands.

        Raises:
            InputError: The guide was not trained on noise, or not on states like these.
        """
        if not self.network.config.noisy:
            raise InputError(f"guide: {self.name} was not trained on noise; choose another or set noisy=false")
        self._check(x)
        whole = step.level.alpha + step.level.sigma
        time = x.new_full((len(x),), step.level.sigma / whole, dtype=torch.float32)
        return self.network.images(x.float() / whole, time)

    def _check(self, state: Tensor) -> None:
        wanted, channels = self.network.config.channels, state.shape[1]
        if channels != wanted:
            raise InputError(f"guide: {self.name} reads {wanted} channels, here are {channels}; choose another")
