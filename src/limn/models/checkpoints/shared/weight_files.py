"""Where the weights of a part of a model folder lie, and under which names."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from limn.io.configurations import read_json
from limn.kernel.errors import WeightsError
from limn.networks import bitsandbytes
from limn.networks.weights import read_tensors

INDEX_LIMIT: Final = 32 * 2**20
_VARIANTS: Final = ("", ".bf16", ".fp16", ".non_ema", ".ema")


def weights_files(folder: Path, library: str) -> list[Path]:
    """Return a part's files of weights: one, or the shards that its index names.

    A single safetensors file in the folder is taken whatever its name.

    Args:
        folder: Of the part.
        library: ``"transformers"`` or ``"diffusers"``, which name their files each in its way.

    Raises:
        WeightsError: there is none, several that nothing tells apart, or only a pickle.
    """
    stem = "model" if library == "transformers" else "diffusion_pytorch_model"
    for variant in _VARIANTS:
        if (one := folder / f"{stem}{variant}.safetensors").exists():
            return [one]
        if (several := folder / f"{stem}.safetensors.index{variant}.json").exists():
            return _shards(several)
    left = sorted(folder.glob("*.safetensors")) if folder.is_dir() else []
    if len(left) == 1:
        return left
    if left:
        names = ", ".join(path.name for path in left[:3])
        raise WeightsError(f"{folder}: holds {names}; rename the one that is meant to {stem}.safetensors")
    pickles = sorted(path.name for path in folder.glob("*.bin")) if folder.is_dir() else []
    if pickles:
        raise WeightsError(
            f"{folder / pickles[0]}: a pickle can run code when opened; get {stem}.safetensors of the same model"
        )
    raise WeightsError(f"{folder / stem}.safetensors: no such file; get the model again, in safetensors format")


def shapes(paths: Sequence[Path], renamed: Callable[[str], str], skip: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors of a file or its shards, by the network's names, as they are when unpacked.

    Args:
        paths: The files.
        renamed: Turns a name in a file into the network's.
        skip: Pattern of names that are left out.

    Raises:
        WeightsError: A file is damaged or unsafe, or two have the same tensor.
    """
    every: dict[str, tuple[int, ...]] = {}
    for path, header in zip(paths, bitsandbytes.outlines(paths), strict=True):
        own = {renamed(name): shape for name, (_, shape) in header.items() if not re.search(skip, name)}
        for name, (kind, _) in header.items():
            if name.endswith(".weight") and not kind.is_floating_point:
                raise WeightsError(f"{path}: {name[:80]} is {kind} without its scales; {bitsandbytes.REMEDY}")
        if twice := sorted(own.keys() & every.keys()):
            raise WeightsError(f"{path}: has {twice[0]}, as another of its shards does; get them again")
        every |= own
    return every


def tensors(paths: Sequence[Path], renamed: Callable[[str], str], skip: str, dtype: Any) -> dict[str, Tensor]:
    """Return all tensors of a file or its shards, unpacked; takes what :func:`shapes` takes, and a precision."""
    packed = bitsandbytes.find(paths)
    left = {name for one in packed.values() for name in one.files}
    every = {
        renamed(name): tensor
        for path in paths
        for name, tensor in read_tensors(path, skip=skip, without=left, dtype=dtype).items()
    }
    own = (one for name, one in packed.items() if not re.search(skip, name))
    return every | {renamed(one.name): one.unpacked(dtype) for one in own}


def _shards(index: Path) -> list[Path]:
    named = read_json(index, limit=INDEX_LIMIT).get("weight_map")
    files = (
        set(named.values()) if isinstance(named, dict) and all(isinstance(x, str) for x in named.values()) else ()
    )
    if not files or not all(re.fullmatch(r"[\w.-]+\.safetensors", file) for file in files):
        raise WeightsError(f"{index}: does not say in which safetensors files the weights are; get it again")
    return [index.parent / file for file in sorted(files)]
