"""What all native families are put together from: frozen networks, and the sampler that a configuration names."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from limn.io.files import sha256_of
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.sampler import Sampler
from limn.networks.weights import load_state, read_tensors

__all__ = ["fill", "sampler_of"]


def fill(network: nn.Module, path: Path, device: str) -> str:
    """Load weights into a network that is frozen from then on.

    Args:
        network: In the shape that the file's tensors have.
        path: A safetensors file.
        device: Where the network goes.

    Returns:
        The file's SHA-256.

    Raises:
        WeightsError: If the file is missing, damaged, unsafe or does not fit the network.
    """
    load_state(network, read_tensors(path), source=str(path))
    network.to(device).eval().requires_grad_(False)
    return sha256_of(path)


def sampler_of(folder: Path, text: str) -> Sampler:
    """Return the sampler that a model folder's configuration names.

    Args:
        folder: The model folder, named in errors.
        text: A sampler with its options, such as ``"ddim:eta=1"``.

    Raises:
        WeightsError: If there is no such sampler or option.
    """
    try:
        sampler = registry.parse("samplers", text)
    except InputError as error:
        raise WeightsError(f"{folder / 'config.json'}: {error}") from None
    assert isinstance(sampler, Sampler)
    return sampler
