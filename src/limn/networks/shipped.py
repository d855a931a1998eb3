"""Networks that come with limn, of kinds that are told apart by the name of their configuration's file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from torch import nn

from limn.kernel.errors import unknown_name
from limn.networks.weights import load_state, read_tensors

__all__ = ["WEIGHTS", "frozen", "locate", "names"]

WEIGHTS = "model.safetensors"
"""The weights' file in a folder."""

_SHIPPED = Path(__file__).parents[1] / "weights"
_Network = TypeVar("_Network", bound=nn.Module)


def names(config: str) -> list[str]:
    """Return the names of the networks shipped with limn whose configuration's file is called so."""
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{config}"))


def locate(model: str | Path, config: str, what: str) -> Path:
    """Return the folder of a network.

    Args:
        model: A shipped one's name, or a folder.
        config: The name of its configuration's file.
        what: What it is called in an error, such as ``judge``.

    Raises:
        InputError: There is no such folder; the message has the nearest name.
    """
    if str(model) in names(config):
        return _SHIPPED / str(model)
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    raise unknown_name(what, str(model), names(config))


def frozen(network: _Network, folder: Path, device: str) -> _Network:
    """Give a network the weights of its folder, and return it ready for use and no longer learning.

    Raises:
        WeightsError: The weights are missing, damaged, unsafe or do not fit the network.
    """
    load_state(network, read_tensors(folder / WEIGHTS), source=str(folder / WEIGHTS))
    return network.to(device).eval().requires_grad_(False)
