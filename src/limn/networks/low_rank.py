"""Changes to layers that single rows can carry: low-rank (LoRA; Hu et al. 2022, arXiv:2106.09685) or whole.

A changed layer's output grows by ``scale * B A x``, or by ``D x`` for a matrix D as large as the layer's own. Which
files hold what is the matter of :mod:`limn.personalise`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_RANK: Final = 1024

Layer = nn.Linear | nn.Conv2d
Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]


class Update(Protocol):
    """What a layer's output grows by."""

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return it for the layer's input ``x``, in the shape of the output."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Product:
    """``B A x``.

    Args:
        down: (rank, in) or (rank, in, height, width).
        up: (out, rank) or (out, rank, 1, 1), times the scale.
    """

    down: Tensor
    up: Tensor

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return what the layer's output grows by, for its input ``x``."""
        return _applied(self.up, None, _applied(self.down, layer, x))


@dataclass(frozen=True, kw_only=True, eq=False)
class Whole:
    """``D x``.

    Args:
        delta: In the shape of the layer's weight.
    """

    delta: Tensor

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return what the layer's output grows by, for its input ``x``."""
        return _applied(self.delta, layer, x)


class Change(Protocol):
    """A change to a layer that is not here yet."""

    def shape(self) -> tuple[int, ...]:
        """Return the shape that the layer's weight must have; one that is stored flat gives (out, the rest)."""
        ...

    def update(self, layer: Layer, weight: float) -> Update:
        """Return the change of a layer that it fits, times ``weight``."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """Two matrices whose product, times a scale, a weight grows by; with a magnitude its rows keep that length.

    Args:
        down: (rank, in) or (rank, in, height, width).
        up: (out, rank) or (out, rank, 1, 1).
        scale: Times the product, mostly alpha / rank.
        magnitude: Length of each row (out) or column (1, in) of the changed weight (DoRA; Liu et al. 2024,
            arXiv:2402.09353, equation 5).
    """

    down: Tensor
    up: Tensor
    scale: float = 1.0
    magnitude: Tensor | None = None

    def shape(self) -> tuple[int, ...]:
        """Return the shape that the layer's weight must have."""
        return (self.up.shape[0], *self.down.shape[1:])

    def update(self, layer: Layer, weight: float) -> Update:
        """Return the change of a layer that it fits, times ``weight``."""
        own, ends = layer.weight, [1] * (layer.weight.ndim - 2)
        down = self.down.to(own).reshape(-1, *own.shape[1:])
        up = self.scale * self.up.to(own).reshape(len(own), -1, *ends)
        if self.magnitude is None:
            return Product(down=down, up=weight * up)
        changed = own + (up.flatten(1) @ down.flatten(1)).view_as(own)
        kept = self.magnitude.ndim - 1  # the axis along which lengths are kept
        lengths = self.magnitude.to(own).view(*([-1, 1] if kept == 0 else [1, -1]), *ends)
        others = tuple(axis for axis in range(own.ndim) if axis != kept)
        norms = torch.linalg.vector_norm(changed, dim=others, keepdim=True)
        return Whole(delta=(weight * (changed * lengths / norms - own)).detach())


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix:
    """A whole matrix that a weight grows by.

    Args:
        delta: (out, ...), in the layer's shape or flat from the second axis on.
    """

    delta: Tensor

    def shape(self) -> tuple[int, ...]:
        """Return the shape that the layer's weight must have; one that is stored flat gives (out, the rest)."""
        return tuple(self.delta.shape)

    def update(self, layer: Layer, weight: float) -> Update:
        """Return the change of a layer that it fits, times ``weight``."""
        return Whole(delta=weight * self.delta.to(layer.weight).reshape(layer.weight.shape))


class LowRank:
    """Changes to some layers of one network; see :class:`limn.kernel.adapter.RowAdapter`.

    Args:
        updates: What changes, by layer.
    """

    def __init__(self, updates: Mapping[nn.Module, Update]) -> None:
        self.updates = dict(updates)

    @contextmanager
    def on(self, predictor: Any) -> Iterator[Any]:
        """Let all rows of every forward have the changes."""
        with self._hooked(None):
            yield predictor

    @contextmanager
    def among(self, rows: Sequence[int]) -> Iterator[None]:
        """Let these rows of every forward have the changes, and no others."""
        with self._hooked(rows):
            yield

    def _hooked(self, rows: Sequence[int] | None) -> ExitStack:
        stack, places = ExitStack(), dict[torch.device, Tensor]()
        for layer, update in self.updates.items():
            device = next(layer.parameters()).device
            if rows is not None and device not in places:
                places[device] = torch.as_tensor(list(rows), dtype=torch.int64, device=device)
            stack.callback(layer.register_forward_hook(_changing(update, places.get(device))).remove)
        return stack


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """How changes fit a network.

    Args:
        layers: The layer of each change that fits, by the change's name.
        unknown: Names of changes of layers that the network does not have.
        misshapen: Names of changes of another shape than their layer, with both shapes in words.
    """

    layers: Mapping[str, Layer] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    misshapen: Mapping[str, str] = field(default_factory=dict)


def fit(changes: Mapping[str, Change], network: nn.Module) -> Fit:
    """Find the layers that changes belong to.

    Args:
        changes: By the name of their layer, with dots or underscores between its parts.
        network: What they change.
    """
    layers_of = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}
    known = {name.replace(".", "_"): layer for name, layer in layers_of.items()}
    layers, unknown, misshapen = dict[str, Layer](), list[str](), dict[str, str]()
    for name, change in changes.items():
        layer = known.get(name.replace(".", "_"))
        if layer is None:
            unknown.append(name)
        elif _fits(change.shape(), layer):
            layers[name] = layer
        else:
            misshapen[name] = f"{change.shape()} for a layer of {tuple(layer.weight.shape)}"
    return Fit(layers=layers, unknown=tuple(unknown), misshapen=misshapen)


def fitted(changes: Mapping[str, Change], layers: Mapping[str, Layer], weight: float = 1.0) -> LowRank:
    """Return changes, times a weight, of the layers that :func:`fit` found, in their place and precision."""
    return LowRank({layer: changes[name].update(layer, weight) for name, layer in layers.items()})


def _fits(shape: tuple[int, ...], layer: Layer) -> bool:
    own = tuple(layer.weight.shape)
    flat = (own[0], layer.weight.numel() // own[0])
    grouped = isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros")
    return shape in (own, flat) and not grouped


def _applied(weight: Tensor, layer: nn.Module | None, x: Tensor) -> Tensor:
    """Apply a weight of any layer, with the strides of a convolution if it is one."""
    if weight.ndim == 4:
        assert layer is None or isinstance(layer, nn.Conv2d)
        return F.conv2d(x, weight) if layer is None else F.conv2d(
            x, weight, None, layer.stride, layer.padding, layer.dilation
        )  # fmt: skip
    return F.linear(x, weight)


def _changing(update: Update, rows: Tensor | None) -> Hook:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if rows is None:
            return output + update(layer, inputs[0])
        return output.index_add(0, rows, update(layer, inputs[0][rows]))

    return hook
