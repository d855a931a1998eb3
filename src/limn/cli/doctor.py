"""``limn doctor``: whether everything that drawing needs is here, and what to do if not."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

import limn
from limn.cli import console
from limn.cli.options import OUT
from limn.io.files import sha256_of
from limn.kernel.errors import LimnError

Finding = tuple[str, str, str]
"""What was looked at, what was found, and what to do about it; nothing to do where that is empty."""


def doctor(out: Annotated[Path, typer.Option(help="The store to look at.")] = OUT) -> None:
    """Look at versions, devices, threads, extras, weights and the store, and say what is missing."""
    findings = [*_versions(), *_devices(), *_extras(), *_weights(), _store(out)]
    console.table(["", "found", "to do"], findings)
    if any(state.startswith("not right") for _, state, _ in findings):
        raise typer.Exit(1)


def missing(error: ModuleNotFoundError) -> str:
    """Return which package is missing and the command that installs it."""
    name = (error.name or "").partition(".")[0]
    extra = next((extra for extra, packages in _wanted().items() if name in packages), None)
    wanted = f"'limn[{extra}]'" if extra else name
    return f"the package {name} is not installed; install it with: pip install {wanted}"


def _wanted() -> dict[str, list[str]]:
    """Return the packages of each extra, as the installed limn names them."""
    from importlib import metadata

    try:
        lines = metadata.requires("limn") or []
    except metadata.PackageNotFoundError:
        lines = []
    wanted: dict[str, list[str]] = {}
    for line in lines:
        match = re.match(r"([\w.-]+).*extra\s*==\s*['\"](\w+)['\"]", line)
        if match and match[1] != "limn":
            wanted.setdefault(match[2], []).append(match[1])
    return wanted


def _versions() -> Iterator[Finding]:
    yield "limn", limn.__version__, ""
    yield "Python", f"{platform.python_version()} on {platform.platform()}", ""
    for name in ("torch", "numpy", "pillow", "safetensors", "tokenizers"):
        version = _version(name)
        yield name, version or "not right: not installed", "" if version else f"pip install {name}"


def _devices() -> Iterator[Finding]:
    import torch

    capability = torch.backends.cpu.get_cpu_capability()
    yield "cpu", f"{os.cpu_count()} cores, {torch.get_num_threads()} threads, {capability}", ""
    count = torch.cuda.device_count()
    for place in range(count):
        memory = torch.cuda.get_device_properties(place).total_memory
        yield f"cuda:{place}", f"{torch.cuda.get_device_name(place)}, {console.size(memory)}", ""
    if not count:
        yield "cuda", "none", ""


def _extras() -> Iterator[Finding]:
    for extra, packages in _wanted().items():
        if extra == "dev":
            continue
        lacking = [name for name in packages if not _version(name)]
        there = ", ".join(f"{name} {_version(name)}" for name in packages if name not in lacking)
        state = f"missing: {', '.join(lacking)}" if lacking else there
        yield f"extra {extra}", state, f"pip install 'limn[{extra}]'" if lacking else ""
    npm = shutil.which("npm")
    yield "npm", npm or "missing", "" if npm else "install Node.js to build the pictograms"


def _weights() -> Iterator[Finding]:
    from limn import models

    for name in models.shipped():
        try:
            folder = models.locate(name)
            hashes = _promised(folder) or models.describe(name).get("sha256") or {}
            wrong = [file for file, digest in hashes.items() if sha256_of(folder / file) != digest]
        except (LimnError, OSError, ValueError) as error:
            yield f"model {name}", f"not right: {error}", "install limn again"
            continue
        if wrong:
            yield f"model {name}", f"not right: {', '.join(wrong)} has another hash", "install limn again"
        else:
            state = f"{len(hashes)} files, hashes right" if hashes else "no hashes are listed"
            yield f"model {name}", state, ""


def _promised(folder: Path) -> dict[str, str]:
    """Return the hashes in a model folder's ``SHA256SUMS``, by file."""
    path = folder / "SHA256SUMS"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {file.lstrip("*"): digest for digest, file in pairs}


def _store(out: Path) -> Finding:
    from limn.io.atomic import probe

    place = out.expanduser().absolute()
    while not place.exists():
        place = place.parent
    try:
        probe(place)
    except LimnError as error:
        state = "can only be read" if (place / "runs").is_dir() else "not right"
        return "store", f"{state}: {error}", "name another folder with --out, to draw"
    return "store", f"{out} can be written, {console.size(shutil.disk_usage(place).free)} free", ""


def _version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
