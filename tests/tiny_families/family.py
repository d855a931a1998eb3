"""How a tiny checkpoint of a family is made, and how diffusers is asked about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


def _blocks(pipe: Any) -> Any:
    return pipe.transformer.transformer_blocks


@dataclass(frozen=True, kw_only=True)
class Family:
    """One family.

    Args:
        module: The module of ``limn.models.checkpoints`` that loads it.
        build: Makes the pipeline of diffusers.
        size: Height and width in pixels.
        theirs: Asks the pipeline: ``(pipe, texts, negatives, noise, steps)`` gives latents as limn has them,
            guided by ``scale`` where there are negatives.
        answer: Asks the pipeline's network: ``(pipe, x, time, text)`` gives what it answers about one state.
        scale: Of classifier-free guidance in limn's terms.
        layers: Blocks of the network, to leave one out by hand; those that diffusers calls transformer blocks unless
            told otherwise.
        guides: Further guidances that its pipeline always has.
    """

    module: str
    build: Callable[[], Any]
    theirs: Callable[[Any, Sequence[str], Sequence[str] | None, Tensor, int], Tensor]
    answer: Callable[[Any, Tensor, float, str], Tensor]
    layers: Callable[[Any], Any] = _blocks
    size: tuple[int, int] = (32, 48)
    scale: float = 3.0
    guides: tuple[str, ...] = ()
