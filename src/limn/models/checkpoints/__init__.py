"""Checkpoints of other projects: one family, one file, on the pieces in ``shared``.

A folder in diffusers' format says in ``model_index.json`` which pipeline draws with it; that names the family. A
single file is told apart by its tensors. Networks, encoders and tokenizers are the classes of diffusers and
transformers; limn reads the files itself: safetensors only, closed configurations, no code from the folder, no
network.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from limn.io.configurations import read_json
from limn.kernel.errors import InputError, WeightsError, unknown_name

if TYPE_CHECKING:
    from limn.kernel.generator import Generator

__all__ = ["PIPELINES", "PRECISIONS", "family_of", "load", "read_options"]

PRECISIONS: Final = ("bfloat16", "float16", "float32")

PIPELINES: Final = {
    "Flux2KleinPipeline": "flux2",
    "Flux2Pipeline": "flux2",
    "FluxPipeline": "flux",
    "PixArtAlphaPipeline": "pixart",
    "PixArtSigmaPipeline": "pixart",
    "QwenImagePipeline": "qwen_image",
    "SanaPipeline": "sana",
    "SanaSprintPipeline": "sana",
    "StableDiffusion3Pipeline": "sd3",
    "StableDiffusionPipeline": "stable_diffusion",
    "StableDiffusionImg2ImgPipeline": "stable_diffusion",
    "StableDiffusionInpaintPipeline": "stable_diffusion",
    "LatentConsistencyModelPipeline": "stable_diffusion",
    "LatentConsistencyModelImg2ImgPipeline": "stable_diffusion",
    "StableDiffusionXLPipeline": "sdxl",
    "StableDiffusionXLImg2ImgPipeline": "sdxl",
    "StableDiffusionXLInpaintPipeline": "sdxl",
    "ZImagePipeline": "z_image",
}
"""The module of each pipeline of diffusers that limn draws with."""


def load(path: Path, **options: Any) -> Generator:
    """Load a model of another project.

    Args:
        path: A folder in diffusers' format, or one safetensors file with the keys of the original code.
        **options: ``device``, ``dtype``, ``preview`` and what else the family's own ``load`` takes.

    Raises:
        InputError: diffusers or transformers is not installed.
        WeightsError: a file is missing, damaged, unsafe, of another kind of model, or does not fit the others.
    """
    for needed in ("diffusers", "transformers"):
        if importlib.util.find_spec(needed) is None:
            raise InputError(f"{path}: Stable Diffusion needs {needed}; install it with pip install 'limn[sd]'")
    from limn.models.checkpoints import single_file

    path = Path(path)
    family = family_of(path) if path.is_dir() else single_file.family_of(path)
    read, preview = import_module(f"limn.models.checkpoints.{family}").load, options.pop("preview", "")
    for name in options.keys() - inspect.signature(read).parameters:
        raise InputError(f"{path}: {name} is no option of a model of the family {family}; leave it out")
    generator: Generator = read(path, **options)
    if preview:
        from limn.models.checkpoints.shared import external

        small = external.previews(Path(preview).expanduser(), options.get("device", "cpu"))
        if small.shape(*generator.size) != generator.main.codec.shape(*generator.size):
            raise InputError(
                f"preview {preview}: decodes other latents than those of {path}; give the one made for it"
            )
        generator.previews = small
    return generator


def read_options(options: Mapping[str, str]) -> dict[str, Any]:
    """Return what stands behind a model's name as :func:`load` takes it.

    Raises:
        InputError: A value is of another kind.
    """
    import torch

    read: dict[str, Any] = dict(options)
    if "dtype" in read:
        if read["dtype"] not in PRECISIONS:
            raise unknown_name("dtype", read["dtype"], PRECISIONS)
        read["dtype"] = getattr(torch, read["dtype"])
    if "clip_skip" in read:
        if not (read["clip_skip"].isdecimal() and len(read["clip_skip"]) < 3):
            raise InputError(f"clip_skip: {read['clip_skip'][:20]!r} is no number of layers; give 1 or 2")
        read["clip_skip"] = int(read["clip_skip"])
    if "denoising_end" in read:
        if not (re.fullmatch(r"0?\.\d{1,9}", read["denoising_end"]) and float(read["denoising_end"])):
            raise InputError(f"denoising_end: {read['denoising_end'][:20]!r} is no share between 0 and 1; give 0.8")
        if "refiner" not in read:
            raise InputError("denoising_end: says where a refiner takes over; name one by refiner, or leave it out")
        read["denoising_end"] = float(read["denoising_end"])
    return read


def family_of(folder: Path) -> str:
    """Return the module of the family that a folder in diffusers' format belongs to.

    Raises:
        WeightsError: The index is missing or damaged, or names a pipeline that limn does not draw with.
    """
    index = folder / "model_index.json"
    name = str(read_json(index).get("_class_name"))
    if name not in PIPELINES:
        raise WeightsError(f"{index}: _class_name: {unknown_name('pipeline', name, PIPELINES)}")
    return PIPELINES[name]
