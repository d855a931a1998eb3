"""An autoencoder or text encoder from a file of its own, in place of a model's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from limn.io.files import first_line, sha256_of
from limn.kernel.errors import WeightsError
from limn.models.checkpoints.shared.configs import read_part, usual_of
from limn.models.checkpoints.shared.networks import blank, fill, filled_from, shapes_of, weights_files
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
        fields: Mapping[str, Any] = read_part(path.parent, path.name)
        files = weights_files(path, "vae")
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


def text_encoder(path: Path, fields: Mapping[str, Any], device: str, dtype: torch.dtype) -> tuple[Any, list[str]]:
    """Read a text encoder of the shape of the model's own from a safetensors file, and its SHA-256.

    Raises:
        WeightsError: It is missing, damaged or unsafe, or does not fit.
    """
    network = blank("text_encoder", fields, path)
    return filled_from([path], "text_encoder", network, device, dtype), [sha256_of(path)]
