"""Model folders that transformers reads, held to the strict reader: closed files, exact names, finite values."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from limn.io.configurations import read_json
from limn.kernel.errors import WeightsError
from limn.networks.weights import read_tensors


def read_folder(path: Path, kinds: Mapping[str, str], remedy: str) -> tuple[Any, Any, str]:
    """Return network, tokenizer and the SHA-256 of the weights of a folder; nothing comes from the network.

    Args:
        path: The folder.
        kinds: Classes of transformers by ``model_type``.
        remedy: What to give where it is of another type.

    Raises:
        WeightsError: If it is of another type, has no safetensors file, asks to run code, its weights are not
            exactly the network's, or are damaged or not finite.
    """
    import transformers
    from safetensors import SafetensorError

    family = read_json(path / "config.json").get("model_type", "")
    if family not in kinds:
        raise WeightsError(f"{path / 'config.json'}: model_type {family or None!r}; {remedy}")
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise WeightsError(f"{path}: no safetensors file is in it; save the model with safe_serialization=True")
    for settings in path.glob("*config.json"):
        read_json(settings)  # refuses what would run code
    for file in files:
        read_tensors(file)  # refuses another hash than is promised, unsound headers and values that are not finite
    try:
        with _quiet():
            network, lacks = getattr(transformers, kinds[family]).from_pretrained(
                path, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            tokenizer = transformers.AutoTokenizer.from_pretrained(path, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"{path}: cannot be read by transformers ({str(error).splitlines()[0]})") from None
    _check_names(path, lacks, len(network.state_dict()))
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return network, tokenizer, digest.hexdigest()


def _check_names(path: Path, lacks: Mapping[str, Any], total: int) -> None:
    """Refuse a folder whose weights are not exactly the network's: transformers fills up with random ones."""
    missing = [str(name) for name in lacks.get("missing_keys", ())]
    wrong = [str(name) for name in lacks.get("mismatched_keys", ())]
    extra = [str(name) for name in lacks.get("unexpected_keys", ()) if not str(name).endswith("position_ids")]
    if missing or wrong or extra:
        raise WeightsError(
            f"{path}: {total - len(missing) - len(wrong)} tensors matched, {len(missing)} missing, {len(wrong)} of "
            f"another shape, {len(extra)} unexpected ({(missing or wrong or extra)[0][:80]}); get the folder again"
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Load without a progress bar, and leave the setting as it was."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
