"""Getting a model from a hub, by huggingface_hub: only what is read of it, told before, and held to its hashes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from limn.io.atomic import write_bytes
from limn.io.files import first_line, sha256_of
from limn.kernel.errors import InputError, WeightsError
from limn.models.locating import RECORD, cache, home_of, in_repository, noted

_TEXTS: Final = re.compile(r".+\.(json|txt|model)|LICENSE.*|README\.md", re.IGNORECASE)
_PEFT: Final = ("adapter_model.safetensors", "adapter_config.json")
_ADAPTERS: Final = ("pytorch_lora_weights.safetensors", _PEFT[0])
"""What diffusers and peft call the file of an adapter."""
_OWN: Final = re.compile(r"LICENSE.*|README\.md", re.IGNORECASE)
_LEFT: Final = ("feature_extractor/", "safety_checker/")
_VARIANT: Final = re.compile(
    r"(?P<stem>.+?)(?P<variant>\.(fp16|bf16|fp32|non_ema|ema))?(-\d{5}-of-\d{5})?\.safetensors"
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be downloaded.

    Args:
        name: ``OWNER/NAME``.
        inside: The file or folder that is wanted of it; empty for all that is read.
        revision: As it was asked for.
        commit: Which state of it that is.
        sizes: Bytes of each file, by its name.
        hashes: SHA-256 of each large file, by its name.
        licence: As the repository says.
        left: Files that are not read, and so are not downloaded.
    """

    name: str
    inside: str
    revision: str
    commit: str
    sizes: Mapping[str, int]
    hashes: Mapping[str, str]
    licence: str
    left: int

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(self.sizes.values())

    @property
    def weights(self) -> int:
        """Bytes of the weights."""
        return sum(size for name, size in self.sizes.items() if name.endswith(".safetensors"))

    @property
    def missing(self) -> int:
        """Bytes that are not here yet."""
        folder = home_of(self.name) / "snapshots" / self.commit
        return sum(size for name, size in self.sizes.items() if not (folder / name).exists())


def look(model: str, variant: str = "") -> Wanted:
    """Ask a hub what is to be downloaded of a repository.

    Args:
        model: ``OWNER/NAME``, or a file or folder in it, perhaps with ``@revision``.
        variant: ``fp16``, ``bf16`` or ``non_ema`` where the repository has such files; the plain ones when empty.

    Raises:
        InputError: It is not there, may not be read, holds no safetensors files, or the network is not to be used.
    """
    from huggingface_hub import HfApi

    named = in_repository(model)
    if named is None:
        raise InputError(
            f"{model[:100]!r}: is no repository; write OWNER/NAME, OWNER/NAME@REVISION or OWNER/NAME/FILE"
        )
    name, inside, revision = named
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        raise InputError("pull: HF_HUB_OFFLINE is set, so nothing is downloaded; unset it to pull")
    with _explained(model):
        api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
        info = api.model_info(name, revision=revision, files_metadata=True)
    files = {one.rfilename: one for one in info.siblings or ()}
    chosen = choose(list(files), variant, inside)
    if not any(name.endswith(".safetensors") for name in chosen):
        there = ", ".join(sorted(file for file in files if file.endswith(".safetensors"))[:6])
        raise InputError(
            f"{model}: has no safetensors files that limn reads; "
            + (f"{name} has {there}" if inside and there else "pull another repository of the model")
        )
    card: Any = info.card_data or {}
    return Wanted(
        name=name,
        inside=inside,
        revision=revision,
        commit=str(info.sha),
        sizes={name: int(files[name].size or 0) for name in chosen},
        hashes={name: str(own.sha256) for name in chosen if (own := files[name].lfs) is not None},
        licence=str(card.get("license") or card.get("license_name") or "not said"),
        left=len(files) - len(chosen),
    )


def choose(files: list[str], variant: str = "", inside: str = "") -> list[str]:
    """Return which files of a repository are read.

    Of a folder in diffusers' format that is JSON, text, tokenizers, and one variant of the weights of each part;
    single files beside the folder's parts hold the same once more and are left out. Of an adapter it is its file, by
    the name that diffusers or peft gives it, with what peft notes beside it, and without the states of its training.

    Args:
        files: Their names.
        variant: As in :func:`look`.
        inside: A file or folder that alone is wanted, with the repository's own texts.

    >>> choose(["model_index.json", "unet/m.fp16.safetensors", "unet/m.safetensors", "unet/m.bin", "a.safetensors"])
    ['model_index.json', 'unet/m.safetensors']
    """
    whole = "model_index.json" in files
    wanted: list[str] = [inside] if inside else [name for name in _ADAPTERS if name in files and not whole]
    if wanted:
        return _parts(files, wanted)
    texts = [name for name in files if _TEXTS.fullmatch(name.rpartition("/")[2]) and not name.startswith(_LEFT)]
    groups: dict[tuple[str, str], dict[str, list[str]]] = {}
    for name in files:
        folder, _, base = name.rpartition("/")
        match = _VARIANT.fullmatch(base)
        if match is None or name.startswith(_LEFT) or (whole and not folder):
            continue
        own = (match["variant"] or "").removeprefix(".")
        groups.setdefault((folder, match["stem"]), {}).setdefault(own, []).append(name)
    weights = [
        name
        for kinds in groups.values()
        for name in kinds[next((kind for kind in (variant, "", *sorted(kinds)) if kind in kinds), "")]
    ]
    deep = [name for name in [*texts, *weights] if name.count("/") <= 1]
    return sorted(deep)


def _parts(files: list[str], wanted: list[str]) -> list[str]:
    """Return those files of a repository that are named or lie in a folder that is, with notes on them."""
    named = [name for name in files if any(name == one or name.startswith(f"{one}/") for one in wanted)]
    own = [name for name in named if name.endswith((".safetensors", ".json"))]
    notes = {name.replace(*_PEFT) for name in own} | {name for name in files if _OWN.fullmatch(name)}
    return sorted({*own, *(notes & set(files))})


def pull(wanted: Wanted) -> Iterator[tuple[str, int]]:
    """Download; what was downloaded in part goes on.

    Yields:
        Each file that is there, and its bytes.

    Raises:
        InputError: The network fails.
        WeightsError: A file has not the hash that the hub promises; it is removed.
    """
    from huggingface_hub import hf_hub_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    record: dict[str, Any] = {"licence": wanted.licence, "files": {}}
    for name, size in wanted.sizes.items():
        with _explained(wanted.name):
            path = Path(
                hf_hub_download(wanted.name, name, revision=wanted.commit, endpoint=endpoint, cache_dir=cache())
            )
        digest = sha256_of(path)
        if name in wanted.hashes and digest != wanted.hashes[name]:
            path.resolve().unlink()
            path.unlink(missing_ok=True)
            raise WeightsError(f"{wanted.name}/{name}: its SHA-256 is not what the hub says; pull it again")
        record["files"][name] = {"sha256": digest, "size": size}
        yield name, size
    home, known = home_of(wanted.name), noted(wanted.name)
    record["files"] = {**known.get(wanted.commit, {}).get("files", {}), **record["files"]}
    text = json.dumps({**known, wanted.commit: record}, indent=2, sort_keys=True)
    write_bytes(home / RECORD, [text.encode()])
    if not wanted.commit.startswith(wanted.revision):
        reference = home / "refs" / wanted.revision
        reference.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(reference, [wanted.commit.encode()])


def inventory() -> list[dict[str, Any]]:
    """Return what was pulled: name, commit, bytes and licence of each."""
    known = []
    for path in sorted(cache().glob(f"models--*/{RECORD}")):
        name = path.parent.name.removeprefix("models--").replace("--", "/", 1)
        for commit, own in noted(name).items():
            size = sum(file["size"] for file in own["files"].values())
            folder = path.parent / "snapshots" / commit
            known.append(
                {"name": name, "commit": commit, "bytes": size, "licence": own["licence"], "folder": folder}
            )
    return known


class _explained:
    """Turns what huggingface_hub raises into one line."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from huggingface_hub import errors

        if isinstance(error, errors.GatedRepoError):
            raise InputError(
                f"{self.model}: is gated: accept its licence on its page, make a token there, and run "
                "`hf auth login` or set HF_TOKEN"
            ) from None
        if isinstance(error, errors.RevisionNotFoundError):
            raise InputError(f"{self.model}: has no such revision; name a branch, tag or commit") from None
        if isinstance(error, errors.RepositoryNotFoundError):
            raise InputError(
                f"{self.model}: there is no such repository, or it is private; check the name"
            ) from None
        if isinstance(error, OSError) or (error is not None and "http" in type(error).__module__):
            raise InputError(f"{self.model}: cannot be downloaded ({first_line(error)[:150]}); try again") from None
