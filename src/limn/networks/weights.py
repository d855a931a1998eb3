"""Strict reading and atomic writing of weights and configurations: what does not fit exactly is refused.

Weights are safetensors files only. The header is read and checked here, before the safetensors library sees the
file: it has a length and a number of tensors that are bounded, names that are unique, types that are known,
shapes that agree with their bytes, and bytes that fill the file without gap or overlap. A pickle is refused under
any name and never opened as one.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from limn.io.atomic import write_bytes
from limn.io.configurations import parse_json
from limn.io.files import first_line, open_file, sha256_of
from limn.kernel.errors import WeightsError
from limn.networks.quantization import unpack

_Network = TypeVar("_Network", bound=nn.Module)

MAX_HEADER: Final = 100_000_000
"""Bytes of a header, as the safetensors library has it."""

MAX_TENSORS: Final = 20_000

_TYPES: Final = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip
_PICKLES: Final = {".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle", ".joblib"}


def read_header(path: Path) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
    """Read and check the header of a safetensors file.

    Args:
        path: The file.

    Returns:
        Type and shape of each tensor, by name.

    Raises:
        WeightsError: the file is missing, empty, cut short, a pickle, or its header is not sound.
    """
    path = Path(path)
    if path.suffix.lower() in _PICKLES:
        raise WeightsError(f"{path}: a pickle can run code when opened; limn reads safetensors files only")
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(8)
        length = int.from_bytes(head, "little")
        # Two bytes of a sound header's length may look like a pickle's first two, its other six never do.
        pickled = re.match(rb"\x80[\x02-\x05]", head) and (length > MAX_HEADER or len(head) < 8)
        if head[:4] == b"GGUF":
            raise WeightsError(
                f"{path}: a GGUF file by its content; limn reads safetensors only, get it in that format"
            )
        if head[:4] == b"PK\x03\x04" or pickled:
            raise WeightsError(f"{path}: a pickle by its content, whatever its name; limn reads safetensors only")
        if len(head) < 8:
            raise WeightsError(f"{path}: {size} bytes, no safetensors file; get it again")
        if length > MAX_HEADER:
            raise WeightsError(
                f"{path}: header of {length:,} bytes, at most {MAX_HEADER:,} are read; no sound safetensors file"
            )
        if 8 + length > size:
            raise WeightsError(f"{path}: cut short after {size:,} bytes; get it again")
        text = file.read(length)
    if text.count(b"{") + text.count(b"[") > 4 * MAX_TENSORS:
        raise WeightsError(f"{path}: header names more than {MAX_TENSORS:,} tensors; no model that limn knows does")
    return _check_header(path, parse_json(path, text), size - 8 - length)


def read_tensors(
    path: Path,
    *,
    expected: Mapping[str, Sequence[int]] | None = None,
    skip: str = "",
    without: Collection[str] = (),
    sha256: str = "",
    dtype: torch.dtype | None = None,
) -> dict[str, Tensor]:
    """Read the tensors of a safetensors file.

    Args:
        path: The file.
        expected: Shape of each tensor by name; names and shapes must fit exactly.
        skip: Regular expression of names that are left out wherever it is found.
        without: Names that are left out.
        sha256: Hash the file must have; a file ``SHA256SUMS`` beside it is followed when this is empty.
        dtype: What floating-point tensors are turned into; those of 8 bits become float32 when it is None.

    Returns:
        Tensors on the CPU, by name; floating-point values are finite.

    Raises:
        WeightsError: as :func:`read_header`; another hash; missing, unexpected or mis-shaped tensors; NaN or
            infinite values.
    """
    path = Path(path)
    header = read_header(path)
    names = [name for name in header if name not in without and not (skip and re.search(skip, name))]
    if expected is not None:
        check_names(str(path), {name: header[name][1] for name in names}, expected)
    wanted = sha256 or _listed(path)
    if wanted and sha256_of(path) != wanted.lower():
        raise WeightsError(f"{path}: its SHA-256 is not {wanted[:12]}... as promised; get the file again")
    from safetensors import SafetensorError, safe_open

    tensors = {}
    try:
        with safe_open(path, "pt") as file:
            for name in names:
                tensors[name] = finite(str(path), name, file.get_tensor(name), dtype)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsError(f"{path}: cannot be read ({first_line(error)}); get it again") from None
    return unpack(tensors)


def check_names(source: str, shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, Sequence[int]]) -> None:
    """Check that names and shapes are exactly those expected; the error counts what matched.

    Args:
        source: What to call the weights in a message, usually the file.
        shapes: Shape of each tensor there is, by name.
        expected: Shape of each tensor there must be.

    Raises:
        WeightsError: a tensor is missing, unexpected or mis-shaped.
    """
    missing, extra = expected.keys() - shapes.keys(), shapes.keys() - expected.keys()
    if missing or extra:
        some = ", ".join(repr(name[:80]) for name in sorted(missing or extra)[:3])
        raise WeightsError(
            f"{source}: {len(shapes) - len(extra)} tensors matched, {len(missing)} missing, {len(extra)} "
            f"unexpected ({some}); use the weights that belong to this configuration"
        )
    for name, shape in expected.items():
        if tuple(shape) != shapes[name]:
            raise WeightsError(
                f"{source}: {name} has shape {shapes[name]}, expected {tuple(shape)}; "
                "use the weights that belong to this configuration"
            )


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all; equal contents give equal bytes.

    Args:
        path: The file; an old one stays until the new one is on the disk.
        tensors: Tensors by name.
        metadata: Text to keep in the header.

    Raises:
        InputError: the path names something that is not a file.
        StoreError: the file cannot be written.
    """
    # Wide types first, so that every tensor lies at a multiple of its own width.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header = _header_bytes(tensors, order, metadata or {})
    write_bytes(Path(path), chain([header], (_bytes(tensors[name]) for name in order)))


def load_state(module: nn.Module, tensors: Mapping[str, Tensor], source: str = "weights") -> None:
    """Copy weights into a module when names, shapes and values all fit; otherwise leave it as it was.

    Args:
        module: The network.
        tensors: Floating-point weights of any precision, by name.
        source: What to call the weights in a message, usually the file.

    Raises:
        WeightsError: a missing, unexpected, mis-shaped or non-finite tensor.
    """
    own = module.state_dict()
    check_names(source, {name: tuple(tensor.shape) for name, tensor in tensors.items()}, {
        name: tensor.shape for name, tensor in own.items()
    })  # fmt: skip
    for name, tensor in tensors.items():
        if tensor.is_floating_point() != own[name].is_floating_point():
            raise WeightsError(f"{source}: {name} is {tensor.dtype}, expected {own[name].dtype}; use other weights")
        finite(source, name, tensor, None)
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


def sized(make: Callable[[], _Network], path: Path, most: int | None = None) -> _Network:
    """Build a network that a file's weights can belong to; a far larger one is refused before it takes memory.

    Args:
        make: Builds it.
        path: The file, which has at least a byte for each weight.
        most: How many weights there are, in place of the file's bytes.

    Raises:
        WeightsError: The network has more weights.
    """
    if most is None:
        if not path.is_file():  # its absence is told when it is read
            return make()
        read_header(path)  # what is no sound file is told as such
        most = path.stat().st_size
    with torch.device("meta"):
        wanted = sum(weight.numel() for weight in make().state_dict().values())
    if wanted > most:
        raise WeightsError(
            f"{path}: can hold {most:,} weights at most, its configuration wants {wanted:,}; "
            "use the weights that belong to it"
        )
    return make()


def initial(shape: Sequence[int], value: Callable[[], Tensor]) -> Tensor:
    """Return where a parameter starts; its shape alone where a network is only :func:`sized`.

    torch computes values that have no storage by its compiler, which takes longer to import than a picture to draw.

    >>> initial([2], lambda: torch.ones(2))
    tensor([1., 1.])
    """
    empty = torch.empty(*shape)
    return empty if empty.is_meta else value()


def frozen(network: _Network, path: Path, device: str = "cpu") -> _Network:
    """Give a network the weights of a file, and return it ready for use and no longer learning.

    Raises:
        WeightsError: The weights are missing, damaged, unsafe or do not fit the network.
    """
    load_state(network, read_tensors(path), source=str(path))
    return network.to(device).eval().requires_grad_(False)


def finite(source: str, name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """Return a tensor in a precision once its values are known to be finite; those that are no numbers as they are.

    Args:
        source: What to call the weights in a message, usually the file.
        name: The tensor's.
        tensor: The values.
        dtype: What floating-point values are turned into; those of 8 bits become float32 when it is None.

    Raises:
        WeightsError: NaN or infinite values.
    """
    if not tensor.is_floating_point():
        return tensor
    dtype = torch.float32 if dtype is None and tensor.element_size() == 1 else dtype
    tensor = tensor if dtype is None else tensor.to(dtype)
    # A finite sum proves finite terms, in one pass and without a mask of the tensor's size.
    if not math.isfinite(tensor.sum(dtype=torch.float32).item()) and not bool(torch.isfinite(tensor).all()):
        raise WeightsError(
            f"{source}: {name} holds values that are not finite numbers in {tensor.dtype}; get the file again"
        )
    return tensor


def _check_header(
    path: Path, header: Mapping[str, Any], size: int
) -> dict[str, tuple[torch.dtype, tuple[int, ...]]]:
    """Check that types, shapes and places agree, and that the tensors fill the data without gap or overlap."""
    tensors, ranges = {}, []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        try:
            dtype, shape, (start, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            whole = all(type(value) is int and 0 <= value < 2**48 for value in (*shape, start, end))
            sound = set(entry) == {"dtype", "shape", "data_offsets"} and whole and len(shape) <= 8
        except (TypeError, KeyError, ValueError):
            sound = False
        if not sound:
            raise WeightsError(f"{path}: header entry {name[:60]!r} is damaged; get the file again")
        if not isinstance(dtype, str) or dtype not in _TYPES:
            raise WeightsError(f"{path}: {name[:60]} is of type {str(dtype)[:20]}; convert it to F16, BF16 or F32")
        if math.prod(shape) * _TYPES[dtype].itemsize != end - start:
            raise WeightsError(f"{path}: {name[:60]} says shape {shape} but has {end - start:,} bytes; damaged")
        tensors[name] = (_TYPES[dtype], shape)
        ranges.append((start, end))
    place = 0
    for start, end in sorted(ranges):
        if start != place:
            raise WeightsError(f"{path}: tensors overlap or leave a gap at byte {place:,}; get the file again")
        place = end
    if place != size:
        raise WeightsError(f"{path}: {size:,} bytes of data where the header says {place:,}; get the file again")
    return tensors


def _listed(path: Path) -> str:
    """Return the hash that a SHA256SUMS file beside ``path`` promises, or nothing."""
    sums = path.with_name("SHA256SUMS")
    if not sums.exists():
        return ""
    with open_file(sums) as file:
        lines = file.read(2**20).decode("utf-8", errors="replace").splitlines()
    for line in lines:
        digest, _, name = line.partition(" ")
        if name.lstrip(" *") == path.name:
            return digest
    return ""


def _header_bytes(tensors: Mapping[str, Tensor], order: Sequence[str], metadata: Mapping[str, str]) -> bytes:
    types = {dtype: name for name, dtype in _TYPES.items()}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    place = 0
    for name in order:
        tensor = tensors[name]
        end = place + tensor.numel() * tensor.element_size()
        entry = {"dtype": types[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [place, end]}
        header[name], place = entry, end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(tensor: Tensor) -> Any:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy()
