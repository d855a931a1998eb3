"""Compilation of a network that learns: fewer passes over memory, and shapes that seldom change."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import torch
from torch import Tensor

from limn.kernel.errors import InputError
from limn.networks.transformer import Transformer
from limn.train.recipe import Recipe

PAD = 16
"""Captions are padded to multiples of so many tokens, because every new shape is compiled anew."""


def compiled(network: Transformer, recipe: Recipe, device: str) -> tuple[Callable[..., Tensor], int]:
    """Return the network as it is called in training, compiled where the recipe says so.

    Args:
        network: What learns; its weights stay where they are.
        recipe: Says whether.
        device: Where it runs.

    Returns:
        What answers, and the multiple of tokens that captions are padded to.

    Raises:
        InputError: The recipe asks for it and the CPU has no C++ compiler.
    """
    gpu = torch.device(device).type == "cuda"
    if recipe.compile == "no" or (recipe.compile == "auto" and not gpu):
        return network, 1
    if not gpu and not any(map(shutil.which, ("g++", "clang++"))):
        raise InputError('compile: needs a C++ compiler; install g++ or set compile = "no"')
    return torch.compile(network, dynamic=False), PAD
