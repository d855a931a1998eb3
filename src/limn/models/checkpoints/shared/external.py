"""An autoencoder or text encoder from a file of its own, in place of a model's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from limn.codecs.latents import Latents
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError
from limn.models.checkpoints.shared.configs import read_part, usual_of
from limn.models.checkpoints.shared.networks import blank, files_of, fill, filled_from, shapes_of
from limn.models.checkpoints.shared.vae import codec
from limn.networks.weights import check_names, read_header, read_tensors

_ORIGINAL: Final = "first_stage_model."
_TINY: Final = "decoder.layers."


def autoencoder(
    path: Path, own: Mapping[str, Any], device: str, dtype: torch.dtype
) -> tuple[Any, Mapping[str, Any], list[str]]:
    """Read an autoencoder.

    Args:
        path: A folder with ``config.json``, or one safetensors file, of diffusers or with the keys of the original
            code; a file is of the shape of the model's own autoencoder, or a TAESD.
        own: Configuration of the model's own.
        device: Where it goes.
        dtype: Precision of its weights.

    Returns:
        The network, its configuration, and the SHA-256 of its files.

    Raises:
        WeightsError: It is missing, damaged or unsafe, or does not fit.
    """
    if path.is_dir():
        fields: Mapping[str, Any] = read_part(path, "vae", path / "config.json")
        files = files_of(path, "vae")
        return (
            filled_from(files, "vae", blank("vae", fields, path), device, dtype),
            fields,
            list(map(sha256_of, files)),
        )
    header = {name: shape for name, (_, shape) in read_header(path).items()}
    fields = dict(own)
    if any(name.startswith(_TINY) for name in header):
        channels = header.get("decoder.layers.0.weight", (0, 4))[1]
        fields = usual_of("vae", {"_class_name": "AutoencoderTiny", "latent_channels": channels})
    network = blank("vae", fields, path)
    if not any(name.removeprefix(_ORIGINAL).startswith(("encoder.down.", "decoder.up.")) for name in header):
        return filled_from([path], "vae", network, device, dtype), fields, [sha256_of(path)]
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    def converted(tensors: Mapping[str, Any]) -> dict[str, Any]:
        prefixed = {_ORIGINAL + name.removeprefix(_ORIGINAL): tensor for name, tensor in tensors.items()}
        try:
            return dict(convert_ldm_vae_checkpoint(prefixed, fields))
        except (KeyError, IndexError, AttributeError, ValueError, TypeError, RuntimeError) as error:
            raise WeightsError(f"{path}: cannot be converted ({first_line(error)[:100]}); give a VAE") from None

    outline = converted({name: torch.empty(shape, device="meta") for name, shape in header.items()})
    check_names(str(path), {name: tuple(own.shape) for name, own in outline.items()}, shapes_of(network))
    tensors = converted(read_tensors(path, skip=r"\.loss\.|^loss\.|^model_ema", dtype=dtype))
    return fill(network, tensors, device), fields, [sha256_of(path)]


def previews(path: Path, device: str) -> Latents:
    """Read a small autoencoder that shows what a state will be while it is drawn.

    Args:
        path: A folder with ``config.json``, or the file of a TAESD.
        device: Where it goes.

    Raises:
        WeightsError: It is missing, damaged or unsafe, or is no TAESD.
    """
    if not path.is_dir() and not any(name.startswith(_TINY) for name in read_header(path)):
        raise WeightsError(f"{path}: is no small autoencoder (TAESD); give its file, or an autoencoder's folder")
    network, fields, _ = autoencoder(path, {}, device, torch.float32)
    return codec(network, usual_of("vae", fields))


def text_encoder(
    path: Path, fields: Mapping[str, Any], device: str, dtype: torch.dtype
) -> tuple[Any, list[str], Callable[[], object]]:
    """Read a text encoder of the shape of the model's own from a safetensors file.

    Returns:
        The network, the SHA-256 of its file, and what fills it again.

    Raises:
        WeightsError: It is missing, damaged or unsafe, or does not fit.
    """
    network = blank("text_encoder", fields, path)
    again = partial(filled_from, [path], "text_encoder", network, device, dtype)
    return again(), [sha256_of(path)], again
