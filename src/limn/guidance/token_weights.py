"""Weights of single words, written into the prompt: ``a (red:1.3) heart on [grass]``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from limn.kernel.attention import AttentionEdit, AttentionSite
from limn.kernel.branch import Branches
from limn.kernel.guidance import Guidance, Rank
from limn.kernel.step import Step
from limn.text.weights import read_weights

_NOTHING = -1e4  # stands for the logarithm of 0: finite, so that words which all weigh nothing do not divide 0 by 0


@dataclass(frozen=True, kw_only=True)
class TokenWeights(Guidance):
    r"""Attend as ``softmax(Q K^T / sqrt(d) + log weight) V``: a word of weight 2 counts as if it were there twice.

    ``(words:1.3)`` in the prompt weighs 1.3, ``(words)`` 1.1 and ``[words]`` 1/1.1; brackets inside brackets
    multiply, and ``\(`` is a plain bracket; a token only some of whose letters are weighted has their mean. Nobody
    looks at a word of weight 0. Attention is re-weighted as in Hertz et al. 2023, section 3.2, but stays a
    distribution. Only the prompt is read so, not a negative prompt; a model that also averages its words, as limn's
    own do, keeps the average of all. Without this guidance brackets are text.
    """

    paper: ClassVar[str] = "hertz2023prompt"
    rank: ClassVar[Rank] = Rank.READ
    space: ClassVar[str] = "any"

    def expand(self, branches: Branches, step: Step) -> Branches:
        """Ask about the text without the brackets, with an edit that carries the weights."""
        main = branches["main"]
        plain, weighted = read_weights(main.prompt.text)
        if plain == main.prompt.text:
            return branches
        main = replace(main, prompt=replace(main.prompt, text=plain))
        if not weighted or step.encoder is None or "text" in main.drop:
            return {**branches, "main": main}
        ahead = len(plain) - len(plain.lstrip())
        spans = step.encoder.spans(plain.strip())
        letters = [1.0] * len(plain)
        for start, end, weight in weighted:
            letters[start:end] = [weight] * (end - start)
        weights = [
            (token, _mean(letters[first + ahead : last + ahead])) for token, (first, last) in enumerate(spans)
        ]
        return {**branches, "main": main.edited(Weighed(weights=tuple(pair for pair in weights if pair[1] != 1)))}


def _mean(letters: Sequence[float]) -> float:
    """Return the mean weight of a token's letters, exact where they are equal; 1 of none."""
    return sum(letters) / len(letters) if len(set(letters)) > 1 else next(iter(letters), 1.0)


@dataclass(frozen=True, kw_only=True)
class Weighed(AttentionEdit):
    """Text tokens count as often as their weights say, for the picture and for each other.

    Args:
        weights: Place among the text tokens, and weight at least 0.
    """

    weights: tuple[tuple[int, float], ...]

    def touches(self, site: AttentionSite) -> bool:
        """Act where words are seen."""
        return site.text is not None and bool(self.weights)

    def bias(self, query: Tensor, key: Tensor, site: AttentionSite) -> Tensor:
        """Return the logarithm of the weights at their tokens and 0 elsewhere, (1, 1, 1, keys)."""
        assert site.text is not None
        bias = torch.zeros(1, 1, 1, key.shape[2])
        for token, weight in self.weights:
            bias[..., site.text.start + token] = math.log(weight) if weight > 0 else _NOTHING
        return bias.to(query)
