"""What can be trained: the base of every task.

A task is one class in one file. It owns the fields of a recipe's ``[objective]``, what it learns from, its loss,
what its sample sheets show, what it exports and what the model card says of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limn.io.configurations import build
from limn.kernel import registry
from limn.kernel.errors import InputError, WeightsError
from limn.train.card import About
from limn.train.model_folder import write_weights
from limn.train.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What a task minimises; a subclass has a field for each key of the recipe's ``[objective]``."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What the caller of :func:`limn.train.export.export` asks for, where it applies to the task.

    Args:
        styles: Whether the configuration names the drawing styles.
        defaults: How the model draws unless told otherwise: ``steps``, ``sampler``, ``scale``, ``batch``.
        autoencoder: Folder of the autoencoder that ships, if its decoder was trained on since the model learned.
        finer: Training folder of the stage that draws finer tokens from this model's.
        tokens_of: Name of a model folder beside the one that is written, which holds this model's tokenizer; it is
            then not written again.
    """

    styles: bool = True
    defaults: Mapping[str, Any] = field(default_factory=dict)
    autoencoder: str = ""
    finer: Path | None = None
    tokens_of: str = ""


N = TypeVar("N", bound=nn.Module)
G = TypeVar("G", bound=Objective)


class Task(registry.Part, ABC, Generic[N, G]):
    """Something that a recipe can train: ``class Mine(Task[Network, MyObjective])``.

    A file ``limn/train/tasks/mine.py`` or the entry point ``mine`` of a package's group ``limn.tasks`` makes it
    ``task = "mine"`` in a recipe; so does the class alone in a program that calls :func:`limn.train.loop.train`.

    Args:
        recipe: What to do.
        device: Where.

    Raises:
        InputError: The recipe does not fit the task.
    """

    config_file: ClassVar[str] = "config.json"
    """The name of the exported configuration."""
    Network: ClassVar[type[nn.Module]]
    """What learns: a module with ``from_config(fields)`` and a ``config``, a dataclass."""
    Objective: ClassVar[type[Objective]] = Objective
    """The fields of the recipe's ``[objective]``."""

    def __init__(self, recipe: Recipe, device: str) -> None:
        self.recipe, self.device = recipe, device
        self.objective: G = self.objective_of(recipe)
        self.network: N = self.build(recipe).to(device)

    @classmethod
    def objective_of(cls, recipe: Recipe) -> G:
        """Return what a recipe's ``[objective]`` says.

        Raises:
            InputError: The task has no such field, or a value does not fit.
        """
        return build(cls.Objective, recipe.objective, what="recipe field", where="objective.")  # type: ignore[return-value]

    @classmethod
    def build(cls, recipe: Recipe) -> N:
        """Build the network of a recipe, its weights drawn from the recipe's seed.

        Raises:
            InputError: The recipe's network has an unknown field or a value out of bounds.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            try:
                return cls.Network.from_config(recipe.network)  # type: ignore[attr-defined, no-any-return]
            except WeightsError as error:
                raise InputError(f"network: {error}") from None

    @abstractmethod
    def loss(self, step: int) -> Tensor:
        """Return the loss of a step, counted from 0; all its random numbers follow from the seed and the step."""

    def finish(self, network: N) -> None:
        """Measure what a network with averaged weights needs before it can be used; nothing by default."""

    @abstractmethod
    def show(self, network: N) -> tuple[NDArray[np.uint8], dict[str, float]]:
        """Return a sample sheet (height, width, 3) and figures of merit."""

    def generator(self, step: int) -> torch.Generator:
        """Return a step's source of randomness, on the CPU, so that all devices learn from the same numbers."""
        seed = int(np.random.default_rng([self.recipe.seed, 3, step]).integers(2**62))
        return torch.Generator().manual_seed(seed)

    @classmethod
    def about(cls, recipe: Recipe) -> About:
        """Return what the model card says."""
        return About(kind=f"A network of the task {registry.name_of(cls)}", objective=registry.name_of(cls))

    @classmethod
    def export(cls, network: N, recipe: Recipe, folder: Path, wanted: Export) -> dict[str, Any]:
        """Write the weights of a model folder and what belongs to them; the caller adds card and hashes.

        Args:
            network: With averaged weights.
            recipe: How it was trained.
            folder: Where to.
            wanted: What the caller asks for.

        Returns:
            The configuration.
        """
        write_weights(network, folder / "model.safetensors", recipe.name)
        return asdict(network.config)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def size(cls, network: N, config: Mapping[str, Any]) -> int:
        """Return the side in pixels of the pictures that a network was trained for."""
        return int(config.get("size", 64))


def find(name: str) -> type[Task[Any, Any]]:
    """Return the task of a name, as a recipe's ``task`` gives it.

    Raises:
        InputError: There is none.

    >>> find("reader").__name__
    'AttributeClassifier'
    """
    try:
        part = registry.find("tasks", name)
    except InputError:
        every = _subclasses(Task)  # type: ignore[type-abstract]
        own = [kind for kind in every if kind.__module__.partition(".")[0] != "limn"]
        part = next((kind for kind in reversed(own) if registry.name_of(kind) == name), None)  # type: ignore[assignment]
        if part is None:
            raise
    if not issubclass(part, Task):
        raise InputError(f"task {name}: {part.__name__} is no limn.train.task.Task; use another one")
    return part


def autocast(recipe: Recipe, device: str) -> AbstractContextManager[Any]:
    """Return the context of a forward pass: bfloat16 products where the recipe and the hardware say so."""
    kind = torch.device(device).type
    fast = kind == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    wanted = recipe.precision == "bfloat16" or (recipe.precision == "auto" and fast)
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=wanted)


def _subclasses(kind: type[Task[Any, Any]]) -> Iterator[type[Task[Any, Any]]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from _subclasses(inner)
