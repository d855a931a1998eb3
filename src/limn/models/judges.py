"""Judges: how well pictures and texts fit, by a dual encoder trained on one half of the pictograms.

Two judges are shipped, ``judge_a`` and ``judge_b``, from disjoint halves of the data: one may guide, the other only
judges. The figure is retrieval: a picture has to find its own prompt among others (Radford et al. 2021,
arXiv:2103.00020).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from limn.io.files import sha256_of
from limn.kernel.errors import InputError
from limn.models.picture_states import picture_states
from limn.networks.dual_encoder import DualEncoder
from limn.networks.shipped import WEIGHTS
from limn.networks.token_embeddings import TokenVectors

_AT_ONCE = 256

names = DualEncoder.names


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A dual encoder with the words it reads.

    Args:
        name: What it was asked for by.
        network: The frozen network.
        words: Tokenizer and token vectors.
        weights: SHA-256 of its weights, for records.
    """

    name: str
    network: DualEncoder
    words: TokenVectors
    weights: str

    @torch.inference_mode()
    def texts(self, texts: Sequence[str]) -> Tensor:
        """Place texts in the judge's space: unit vectors (texts, 128) on the CPU."""
        starts = range(0, len(texts), _AT_ONCE)
        parts = [self.network.read(self.words, texts[start : start + _AT_ONCE]).cpu() for start in starts]
        return torch.cat(parts) if parts else torch.zeros(0, self.network.config.out)

    @torch.inference_mode()
    def images(self, pictures: NDArray[np.uint8] | Tensor) -> Tensor:
        """Place pictures in the judge's space.

        Args:
            pictures: RGB pictures (pictures, height, width, 3), 0 to 255, or states (pictures, channels, height,
                width) in [-1, 1]; pictures of another size than the judge's are scaled to it.

        Returns:
            Unit vectors (pictures, 128) on the CPU.

        Raises:
            InputError: Another shape or type.
        """
        config, device = self.network.config, self.network.log_scale.device
        states = picture_states(pictures, size=config.size, channels=config.channels, name=self.name)
        parts = [self.network.images(part.to(device)).cpu() for part in torch.split(states, _AT_ONCE) if len(part)]
        return torch.cat(parts) if parts else torch.zeros(0, self.network.config.out)

    def similarity(self, pictures: NDArray[np.uint8] | Tensor, texts: Sequence[str]) -> Tensor:
        """Return the cosine of each picture and each text, (pictures, texts), in [-1, 1]."""
        return self.images(pictures) @ self.texts(texts).T

    def retrieval(
        self,
        pictures: NDArray[np.uint8] | Tensor,
        prompts: Sequence[str],
        *,
        seed: int = 0,
        ways: int = 100,
        meanings: Sequence[Hashable] | None = None,
    ) -> NDArray[np.int64]:
        """Rank each picture's own prompt among distinct ones.

        Args:
            pictures: As for :meth:`images`.
            prompts: One for each picture.
            seed: Chooses the other prompts, for each picture anew.
            ways: How many prompts there are to choose from, the own one included.
            meanings: What each prompt means; of equal meanings no two stand against each other. The prompts
                themselves, in lower case, if None.

        Returns:
            Ranks (pictures,), 1 is the best; of equal similarity the own prompt comes last.

        Raises:
            InputError: Fewer different meanings than ``ways``, or the lengths differ.
        """
        meant = list(meanings) if meanings is not None else [text.strip().lower() for text in prompts]
        if not len(pictures) == len(prompts) == len(meant):
            raise InputError(f"prompts: {len(prompts)} for {len(pictures)} pictures; give one for each")
        number = {meaning: place for place, meaning in enumerate(dict.fromkeys(meant))}
        if len(number) < ways:
            raise InputError(f"ways: {ways} need as many different prompts, there are {len(number)}; give more")
        own = np.array([number[meaning] for meaning in meant])
        close = self.similarity(pictures, prompts).numpy()
        places, counts = np.argsort(own, kind="stable"), np.bincount(own)
        starts = np.cumsum(counts) - counts
        rng = np.random.default_rng(seed)
        ranks = np.ones(len(own), np.int64)
        for row, mine in enumerate(own):
            others = rng.choice(len(number) - 1, ways - 1, replace=False)
            others += others >= mine
            chosen = places[starts[others] + rng.integers(counts[others])]
            ranks[row] += int((close[row, chosen] >= close[row, row]).sum())
        return ranks


def judge(name: str | Path = "judge_b", *, device: str = "cpu") -> Judge:
    """Load a judge.

    Args:
        name: ``judge_a``, ``judge_b``, another dual encoder shipped with limn, or a folder of one.
        device: Where it runs.

    Raises:
        InputError: There is no such judge; the message has the nearest name.
        WeightsError: Its files are missing, damaged, unsafe or do not fit each other.
    """
    network, weights = DualEncoder.load(name, device=device), sha256_of(DualEncoder.locate(name) / WEIGHTS)
    return Judge(name=str(name), network=network, words=TokenVectors(), weights=weights)
