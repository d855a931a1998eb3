"""A model's folder with other weights in its network: what full fine-tuning leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from limn.io.atomic import explained, make_folder
from limn.kernel.errors import InputError
from limn.networks.weights import write_tensors

_STALE = ("SHA256SUMS", "card.json", "MODEL_CARD.md", "README.md")  # say what is true of the untouched weights only
_UNET = "unet/diffusion_pytorch_model.safetensors"


def write_changed(
    source: Path, out: Path, weights: Mapping[str, Tensor], *, inside: str = "",
    beside: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> None:  # fmt: skip
    """Copy a model's folder, with other weights in one of its files.

    Args:
        source: The folder of the untouched model.
        out: Where to.
        weights: By name.
        inside: The file that holds them; that of the network if empty.
        beside: Further files of weights.

    Raises:
        InputError: The model is a single file.
        StoreError: Something cannot be written.
    """
    if not source.is_dir():
        raise InputError(f"{source}: is one file; full weights need a model folder, or give a rank above 0")
    inside = inside or (_UNET if (source / "model_index.json").exists() else "model.safetensors")
    other = Path(inside).with_suffix(".fp16.safetensors").as_posix()
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_file() and name not in (inside, other) and path.name not in _STALE:
            make_folder((out / name).parent)
            with explained(out / name):
                shutil.copyfile(path, out / name)
    make_folder((out / inside).parent)
    for name, tensors in {inside: weights, **(beside or {})}.items():
        write_tensors(out / name, tensors)
