"""What a guidance can ask beside a model: another model, or a low-rank change to this one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limn.io.files import sha256_of
from limn.kernel.adapter import Beside
from limn.kernel.errors import WeightsError

if TYPE_CHECKING:
    from torch import nn

    from limn.kernel.generator import Generator
    from limn.kernel.predictor import Predictor
    from limn.networks.low_rank import LowRank

_PEFT = ("adapter_model.safetensors", "adapter_config.json")


def beside(own: Generator, name: str) -> Beside | None:
    """Read a low-rank change to a model.

    Args:
        own: The model that it changes.
        name: A safetensors file, or a folder that peft wrote.

    Returns:
        The change, or ``None`` when the name stands for something else.

    Raises:
        WeightsError: The file is damaged, unsafe or was made for another model.
    """
    from limn.networks.low_rank import is_low_rank

    path = Path(name).expanduser()
    path = path / _PEFT[0] if path.is_dir() and (path / _PEFT[0]).exists() else path
    if path.suffix != ".safetensors" or not path.is_file() or not is_low_rank(path):
        return None
    files = [file for file in (path, path.with_name(_PEFT[1])) if file.exists()]
    weights = hashlib.sha256("".join(map(sha256_of, files)).encode()).hexdigest()
    return Beside(weights=weights if len(files) > 1 else sha256_of(path), adapters=_for_stages(own, path))


def _for_stages(own: Generator, path: Path) -> list[LowRank]:
    """Return the change for the first stage whose network has all layers that it names, and none for the others."""
    from limn.networks.low_rank import LowRank, read_low_rank

    errors = []
    for place, stage in enumerate(own.stages):
        try:
            change = read_low_rank(path, _network(stage.predictor))
        except WeightsError as error:
            errors.append(error)
        else:
            return [change if place == other else LowRank({}) for other in range(len(own.stages))]
    raise errors[0]


def _network(predictor: Predictor) -> nn.Module:
    """Return the network inside a predictor."""
    network: Any = getattr(predictor, "network", predictor)
    module: nn.Module = getattr(network, "module", network)
    return module
