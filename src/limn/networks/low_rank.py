"""Low-rank changes to a network's layers (LoRA; Hu et al. 2022, arXiv:2106.09685), which single rows can carry.

A file holds for each changed layer ``NAME.lora_A.weight`` (rank, in, ...) and ``NAME.lora_B.weight`` (out, rank,
...), where NAME is the layer's own, ``base_model.model.NAME`` (peft) or ``unet.NAME`` (diffusers). Its output
then grows by ``scale * B A x``, with ``scale = alpha / rank``. Alpha is ``NAME.alpha`` (a number), or what peft or
diffusers note beside the weights, or the rank.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from limn.io.configurations import parse_json, read_json
from limn.kernel.errors import WeightsError
from limn.networks.weights import read_header, read_tensors

MAX_RANK: Final = 1024

_DOWN, _UP, _ALPHA = ".lora_A.weight", ".lora_B.weight", ".alpha"
_PREFIXES: Final = ("base_model.model.", "unet.", "")
_PEFT: Final = "adapter_config.json"
_DIFFUSERS: Final = "lora_adapter_metadata"
_PLAIN: Final[Mapping[str, tuple[Any, ...]]] = {
    "use_dora": (False, None), "alpha_pattern": ({}, None), "bias": ("none", None), "lora_bias": (False, None),
    "fan_in_fan_out": (False, None), "use_bdlora": (False, None), "use_qalora": (False, None),
}  # fmt: skip

Hook = Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]


@dataclass(frozen=True, kw_only=True, eq=False)
class Update:
    """A low-rank change to a linear layer or a convolution.

    Args:
        down: (rank, in) or (rank, in, height, width).
        up: (out, rank) or (out, rank, 1, 1), times the scale.
    """

    down: Tensor
    up: Tensor

    def __call__(self, layer: nn.Module, x: Tensor) -> Tensor:
        """Return what the layer's output grows by, for its input ``x``."""
        if isinstance(layer, nn.Conv2d):
            inner = F.conv2d(x, self.down, None, layer.stride, layer.padding, layer.dilation)
            return F.conv2d(inner, self.up)
        return F.linear(F.linear(x, self.down), self.up)


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
        stack = ExitStack()
        for layer, update in self.updates.items():
            places = (
                None if rows is None else torch.as_tensor(list(rows), dtype=torch.int64, device=update.down.device)
            )
            stack.callback(layer.register_forward_hook(_changing(update, places)).remove)
        return stack


def _changing(update: Update, rows: Tensor | None) -> Hook:
    def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if rows is None:
            return output + update(layer, inputs[0])
        return output.index_add(0, rows, update(layer, inputs[0][rows]))

    return hook


def is_low_rank(path: Path) -> bool:
    """Say whether a safetensors file holds low-rank changes, of any layout.

    Raises:
        WeightsError: The file is missing, damaged or unsafe.
    """
    return any("lora" in name for name in read_header(path))


def read_low_rank(path: Path, network: nn.Module) -> LowRank:
    """Read low-rank changes to a network.

    Args:
        path: A safetensors file in the layout above; peft's ``adapter_config.json`` beside it is followed.
        network: What they change; layers that are not named stay as they are.

    Returns:
        The changes, where the network's weights are and in their precision.

    Raises:
        WeightsError: The file is missing, damaged or unsafe; it names layers that the network does not have; a rank
            or a shape does not fit.
    """
    layers = {name: layer for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}
    pairs = _pairs(path, {name: shape for name, (_, shape) in read_header(path).items()}, layers)
    tensors, settings = read_tensors(path), _settings(path)
    updates: dict[nn.Module, Update] = {}
    for name, start in pairs.items():
        layer, down, up = layers[name], tensors[start + _DOWN], tensors[start + _UP]
        scale = _scale(path, tensors.get(start + _ALPHA), len(down), settings)
        weight = layer.weight
        updates[layer] = Update(down=down.to(weight), up=scale * up.to(weight))
    return LowRank(updates)


def _pairs(path: Path, shapes: Mapping[str, tuple[int, ...]], layers: Mapping[str, nn.Module]) -> dict[str, str]:
    """Return what the two tensors of each layer's change are called in the file, without their endings."""
    starts: dict[str, str] = {}
    for name in shapes:
        start = next((name.removesuffix(end) for end in (_DOWN, _UP, _ALPHA) if name.endswith(end)), None)
        own = next((start[len(prefix) :] for prefix in _PREFIXES if start and start.startswith(prefix)), "")
        if not start or own not in layers or starts.setdefault(own, start) != start:
            why = "is not the change of a linear layer or convolution of this model"
            raise WeightsError(f"{path}: {name[:100]!r} {why}; use an adapter that was made for it")
    for own, start in starts.items():
        _check_shapes(path, own, layers[own], shapes.get(start + _DOWN), shapes.get(start + _UP))
        if math.prod(shapes.get(start + _ALPHA, ())) != 1:
            raise WeightsError(f"{path}: {start[:100]}{_ALPHA} is not one number; get the file again")
    if not starts:
        raise WeightsError(f"{path}: holds no low-rank change; name a file with tensors NAME{_DOWN} and NAME{_UP}")
    return starts


def _check_shapes(
    path: Path, name: str, layer: nn.Module, down: tuple[int, ...] | None, up: tuple[int, ...] | None
) -> None:
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    out, *ins = layer.weight.shape
    rank = down[0] if down else 0
    ends = (1, 1) if isinstance(layer, nn.Conv2d) else ()
    grouped = isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros")
    if down != (rank, *ins) or up != (out, rank, *ends) or not 1 <= rank <= MAX_RANK or grouped:
        wanted = f"(rank, {', '.join(map(str, ins))}) and ({out}, rank{', 1, 1' if ends else ''})"
        raise WeightsError(
            f"{path}: {name} has changes of shapes {down} and {up}, not {wanted} with a rank from 1 to {MAX_RANK}; "
            "use an adapter that was made for this model"
        )


def _settings(path: Path) -> Mapping[str, Any]:
    """Return what peft or diffusers note about the weights; nothing but plain low-rank changes may be asked for."""
    source = path.with_name(_PEFT)
    if source.exists():
        settings = read_json(source)
    else:
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(_DIFFUSERS, "{}")
        settings = {name.removeprefix("unet."): value for name, value in parse_json(path, text.encode()).items()}
        source = path
    for name, allowed in _PLAIN.items():
        if settings.get(name) not in allowed:
            asked = json.dumps(settings[name])[:40]
            raise WeightsError(f"{source}: {name} is {asked}, which limn does not know; use a plain LoRA")
    return settings


def _scale(path: Path, alpha: Tensor | None, rank: int, settings: Mapping[str, Any]) -> float:
    """Return what the product of the two matrices is multiplied by."""
    value = settings.get("lora_alpha", rank) if alpha is None else alpha.item()
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e6:
        raise WeightsError(f"{path}: alpha is {str(value)[:40]}; it must be a number up to a million")
    return float(value) / (math.sqrt(rank) if settings.get("use_rslora") is True else rank)
