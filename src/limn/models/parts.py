"""What all native families are put together from: their configuration's fields, frozen networks, a generator."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from limn.guidance.classifier_free import ClassifierFree
from limn.io.configurations import check_range, require
from limn.io.files import sha256_of
from limn.io.targets import check_name
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError
from limn.kernel.generator import Generator
from limn.kernel.sampler import Sampler
from limn.kernel.stage import Stage
from limn.networks.weights import frozen


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What the file ``config.json`` of every native family says; :attr:`families` are those that may stand in it.

    Args:
        family: Which family it is.
        size: Side of the pictures in pixels.
        transformer: Fields of the transformer's configuration.
        steps: Steps drawn by default.
        sampler: Sampler used by default, as text.
        scale: Guidance scale used by default.
        batch: Pictures drawn together by default.
        styles: Words for each style, with ``{}`` where the prompt goes.
    """

    families: ClassVar[tuple[str, ...]] = ()

    family: str = ""
    size: int = 64
    transformer: dict[str, Any] = field(default_factory=dict)
    steps: int = 16
    sampler: str = ""
    scale: float = 4.0
    batch: int = 16
    styles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_range(self, size=(8, 1024), steps=(1, 1000), batch=(1, 1024))
        require(self.family in self.families, f"family must be {' or '.join(self.families)}, not {self.family[:20]}")
        require(math.isfinite(self.scale) and 0 <= self.scale <= 100, "scale must be from 0 to 100")
        require(
            all(isinstance(words, str) and words.count("{}") == 1 for words in self.styles.values()),
            "each style must be words with one {} where the prompt goes",
        )


def assembled(
    name: str,
    stages: Sequence[Stage],
    config: ModelConfig,
    hashes: Sequence[str],
    *,
    schedule: str = "constant",
    largest: int = 1,
) -> Generator:
    """Return the generator of a folder.

    Args:
        name: What it calls itself.
        stages: From the first to the last.
        config: Its defaults.
        hashes: SHA-256 of each of its files of weights, that of the network that draws first.
        schedule: How the guidance scale goes over a walk by default.
        largest: Largest side that it draws, over the usual one.
    """
    return Generator(
        name,
        stages,
        weights=hashlib.sha256("".join(hashes).encode()).hexdigest(),
        file=hashes[0],
        size=(config.size, config.size),
        sizes=(config.size, largest * config.size),
        guidance=[ClassifierFree(scale=config.scale, schedule=schedule)],  # type: ignore[arg-type]
        batch=config.batch,
        styles=config.styles,
    )


def home_of(folder: Path, name: str) -> Path:
    """Return the folder of a part that several models share: beside a model's own, or shipped.

    Raises:
        InputError: The name is no plain name.
    """
    beside = folder.resolve().parent / check_name(name, "config.json")
    return beside if beside.is_dir() else Path(__file__).parents[1] / "weights" / name


def check_fit(folder: Path, what: str, pairs: Mapping[str, tuple[Any, Any]]) -> None:
    """Refuse networks that do not fit each other.

    Args:
        folder: The model folder.
        what: Which networks.
        pairs: What there is and what there must be, by name.

    Raises:
        WeightsError: Two of a pair differ.
    """
    for name, (value, wanted) in pairs.items():
        if value != wanted:
            raise WeightsError(
                f"{folder / 'config.json'}: {what} do not fit ({name}: {value}, {wanted}); export again"
            )


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
    frozen(network, path, device)
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
