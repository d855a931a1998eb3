"""Networks that are built from a configuration, and those of them that come with limn."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import nn

from limn.io.configurations import read_config
from limn.kernel.errors import unknown_name
from limn.networks.weights import frozen, sized

WEIGHTS = "model.safetensors"
"""The weights' file in a folder."""

_SHIPPED = Path(__file__).parents[1] / "weights"


class Configured(nn.Module):
    """Base of networks whose whole shape is a configuration, a dataclass.

    Args:
        config: Of the class :attr:`shape`.
    """

    shape: ClassVar[type]

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def from_config(cls, fields: Mapping[str, Any] | Path) -> Self:
        """Build from the fields of a configuration, or its file; what is unknown or out of bounds is refused."""
        return cls(read_config(cls.shape, fields))


class Shipped(Configured):
    """Base of networks that stand in a folder of their own, with weights that may come with limn.

    ``file`` is the configuration's name there, which keeps kinds apart; ``noun`` is what errors call one.
    """

    file: ClassVar[str]
    noun: ClassVar[str]

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of those shipped with limn."""
        return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{cls.file}"))

    @classmethod
    def locate(cls, model: str | Path) -> Path:
        """Return the folder of one, given a shipped one's name or a folder.

        Raises:
            InputError: There is no such folder; the message has the nearest name.
        """
        if str(model) in cls.names():
            return _SHIPPED / str(model)
        path = Path(model).expanduser()
        if path.is_dir():
            return path
        raise unknown_name(cls.noun, str(model), cls.names())

    @classmethod
    def load(cls, model: str | Path, *, device: str = "cpu") -> Self:
        """Read one from its folder, ready for use and no longer learning.

        Raises:
            InputError: There is no such folder.
            WeightsError: A file is missing, damaged, unsafe or does not fit the other.
        """
        folder = cls.locate(model)
        network = sized(lambda: cls.from_config(folder / cls.file), folder / WEIGHTS)
        return frozen(network, folder / WEIGHTS, device)
