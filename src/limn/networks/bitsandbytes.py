"""Weights that bitsandbytes packed into four or eight bits, as ``save_pretrained`` writes them, unpacked.

========================================  ===========================================================================
``X.weight`` (bytes), in four bits        two values a byte, the first in its upper half; each stands for one of the
                                          sixteen numbers of ``X.weight.quant_map``, times the scale of its block
``X.weight.absmax``                       the scales; bytes themselves where they are packed once more, by
                                          ``nested_absmax`` and ``nested_quant_map``, around a number in the notes
``X.weight.quant_state.bitsandbytes__T``  the notes, JSON as bytes: kind, shape, values of a block
``X.weight`` (int8) and ``X.SCB``         eight bits: whole numbers, 127 of which are the scale of their row
========================================  ===========================================================================

Dettmers et al., "QLoRA" (2023), and "LLM.int8()" (2022). The numbers are those of the library; what it computes with
them in eight bits is not, as it rounds what a layer is given too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from limn.io.configurations import FLAG, Rule, check_fields, many, number, one_of, parse_json, text, whole
from limn.kernel.errors import WeightsError
from limn.networks.weights import finite, read_header

Shape = tuple[int, ...]
Places = Mapping[str, tuple[Path, torch.dtype, Shape]]
"""Of each tensor its file, type and shape."""

_MOST: Final = 4096  # bytes of notes
_NOTES: Final = re.compile(r"(?P<name>.+)\.quant_state\.bitsandbytes__(?P<kind>\w+)")
_BLOCK: Final = one_of(32, 64, 128, 256, 512, 1024, 2048, 4096)
_TYPE: Final = one_of("float32", "bfloat16", "float16")
_STATE: Final[Mapping[str, Rule]] = {
    "quant_type": one_of("nf4", "fp4"),
    "blocksize": _BLOCK,
    "dtype": _TYPE,
    "shape": many(whole(1, 2**31), 4),
    "nested_blocksize": _BLOCK,
    "nested_dtype": _TYPE,
    "nested_offset": number(-1e30, 1e30),
}
_SETTINGS: Final[Mapping[str, Rule]] = {
    "quant_method": one_of("bitsandbytes"),
    "bnb_4bit_compute_dtype": text(),
    "bnb_4bit_quant_storage": text(),
    "bnb_4bit_quant_type": one_of("nf4", "fp4"),
    "bnb_4bit_use_double_quant": FLAG,
    "llm_int8_enable_fp32_cpu_offload": FLAG,
    "llm_int8_has_fp16_weight": one_of(False),
    "llm_int8_skip_modules": Rule("a list of names", lambda value: value is None or isinstance(value, list)),
    "llm_int8_threshold": number(0, 1e6),
    **dict.fromkeys(("load_in_4bit", "load_in_8bit", "_load_in_4bit", "_load_in_8bit"), FLAG),
}
REMEDY: Final = "get its weights in 16 or 32 bits, or as bitsandbytes packs them"


def check_settings(path: Path, settings: Any) -> None:
    """Refuse a configuration whose weights are packed in a way that is not read.

    Args:
        path: The file, for the message.
        settings: What it says under ``quantization_config``.

    Raises:
        WeightsError: They are packed by another program, or a setting is unknown.
    """
    method = settings.get("quant_method") if isinstance(settings, Mapping) else None
    if method != "bitsandbytes":
        known = f"by {str(method)[:30]!r}" if method else "in a way that is not named"
        raise WeightsError(
            f"{path}: says that its weights are quantised {known}, which limn does not read; {REMEDY}"
        )
    check_fields(path, settings, _SETTINGS)


@dataclass(frozen=True, kw_only=True)
class Packed:
    """One weight in four or eight bits.

    Args:
        name: As in the file.
        shape: Of the numbers.
        files: Where each of its tensors is, by its name.
        notes: What is noted about four bits; nothing for eight.
    """

    name: str
    shape: Shape
    files: Mapping[str, Path]
    notes: Mapping[str, Any]

    def unpacked(self, dtype: torch.dtype | None) -> Tensor:
        """Return the numbers.

        Args:
            dtype: Their precision; float32 when None.

        Raises:
            WeightsError: They are not finite.
        """
        tensors = {name: _tensor(path, name) for name, path in self.files.items()}
        own = tensors.pop(self.name)
        if not self.notes:
            scale = tensors[_beside(self.name, "SCB")]
            values = own.float() * scale.float().view(-1, 1) / 127
        else:
            part = {name.removeprefix(f"{self.name}."): tensor for name, tensor in tensors.items()}
            scale = part["absmax"]
            if "nested_absmax" in part:
                scale = part["nested_quant_map"].float()[scale.int()]
                scale = _scaled(scale, part["nested_absmax"].float(), self.notes["nested_blocksize"])
                scale = scale + self.notes["nested_offset"]
            numbers = part["quant_map"].float()
            pairs = torch.stack([numbers.repeat_interleave(16), numbers.repeat(16)], 1)
            values = pairs[own.flatten().view(torch.uint8).int()].flatten()[: math.prod(self.shape)]
            values = _scaled(values, scale.float(), self.notes["blocksize"]).view(self.shape)
        return finite(str(self.files[self.name]), self.name, values, dtype)


def find(paths: Sequence[Path]) -> dict[str, Packed]:
    """Return the packed weights of a file or its shards, by name.

    Raises:
        WeightsError: A file is damaged or unsafe, or what belongs to a weight does not fit together.
    """
    every: Places = {name: (path, *own) for path in paths for name, own in read_header(path).items()}
    packed = {}
    for name in every:
        if match := _NOTES.fullmatch(name):
            packed[match["name"]] = _four_bits(match["name"], match["kind"], name, every)
        elif name.endswith(".SCB"):
            weight = name.removesuffix("SCB") + "weight"
            packed[weight] = _eight_bits(weight, every)
    return packed


def outlines(paths: Sequence[Path]) -> list[dict[str, tuple[torch.dtype, Shape]]]:
    """Return type and shape of each tensor of each file, by name, as they are once nothing is packed.

    Raises:
        WeightsError: As :func:`find`.
    """
    packed = find(paths)
    left = {name for one in packed.values() for name in one.files}
    own = [{name: about for name, about in read_header(path).items() if name not in left} for path in paths]
    for name, one in packed.items():
        own[list(paths).index(one.files[name])][name] = (torch.float32, one.shape)
    return own


def _four_bits(name: str, kind: str, notes: str, every: Places) -> Packed:
    """Check what belongs to a weight in four bits."""
    path, dtype, shape = every[notes]
    if dtype != torch.uint8 or len(shape) != 1 or shape[0] > _MOST:
        raise _damaged(path, notes, "are no text")
    fields = parse_json(path, bytes(_tensor(path, notes).tolist()))
    check_fields(path, fields, _STATE, ("quant_type", "blocksize", "shape"))
    if fields["quant_type"] != kind:
        raise _damaged(path, notes, f"are about {fields['quant_type']}")
    count = math.prod(fields["shape"])
    blocks = -(-count // fields["blocksize"])
    wanted: dict[str, Shape] = {"absmax": (blocks,), "quant_map": (16,)}
    nested = f"{name}.nested_absmax" in every
    if nested:
        if {"nested_blocksize", "nested_offset"} - fields.keys():
            raise _damaged(path, notes, "say nothing of the scales' scales")
        wanted |= {"nested_absmax": (-(-blocks // fields["nested_blocksize"]),), "nested_quant_map": (256,)}
    home, stored, size = every.get(name, (path, torch.uint8, (0,)))
    if math.prod(size) * stored.itemsize != -(-count // 2):
        raise _damaged(path, name, f"has not the bytes of {tuple(fields['shape'])} in four bits")
    for part, size in wanted.items():
        _, given, own = every.get(f"{name}.{part}", (path, None, ()))
        byte = nested and part == "absmax"
        if own != size or given is None or (given == torch.uint8) != byte or given.is_floating_point == byte:
            raise _damaged(path, f"{name}.{part}", f"is not {size[0]} {'bytes' if byte else 'numbers'}")
    files = {f"{name}.{part}": every[f"{name}.{part}"][0] for part in wanted}
    return Packed(name=name, shape=tuple(fields["shape"]), files={name: home, **files, notes: path}, notes=fields)


def _eight_bits(name: str, every: Places) -> Packed:
    """Check what belongs to a weight in eight bits."""
    scale, layout = _beside(name, "SCB"), _beside(name, "weight_format")
    path, dtype, shape = every[scale]
    own = every.get(name)
    if own is None or own[1] != torch.int8 or len(own[2]) != 2 or shape != own[2][:1] or not dtype.is_floating_point:
        raise _damaged(path, scale, "is not one scale for each row of its weight")
    files = {name: own[0], scale: path}
    if layout in every:
        path, dtype, shape = every[layout]
        if math.prod(shape) != 1 or _tensor(path, layout).item() != 0:
            raise WeightsError(f"{path}: {name[:80]} is laid out for a kind of GPU, not in rows; {REMEDY}")
        files[layout] = path
    return Packed(name=name, shape=own[2], files=files, notes={})


def _scaled(values: Tensor, scales: Tensor, block: int) -> Tensor:
    """Return values times the scales of their blocks, the last of which may be shorter."""
    padded = torch.nn.functional.pad(values, (0, len(scales) * block - len(values)))
    return (padded.view(-1, block) * scales[:, None]).flatten()[: len(values)]


def _beside(weight: str, name: str) -> str:
    return weight.removesuffix("weight") + name


def _tensor(path: Path, name: str) -> Tensor:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        tensor: Tensor = file.get_tensor(name)
    return tensor


def _damaged(path: Path, name: str, why: str) -> WeightsError:
    return WeightsError(f"{path}: {name[:120]} {why}; get the file again")
