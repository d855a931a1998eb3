"""What a run folder's JSON files say, and how they are checked."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limn.io.atomic import explained
from limn.io.configurations import parse_json
from limn.io.files import read_bounded
from limn.kernel.errors import InputError, StoreError

MAX_PICTURES = 1_000_000  # of a run
MAX_JSON = 2**29  # bytes
SCHEMA = 1  # of request.json, record.json and the record inside a picture


class VersionError(StoreError):
    """A file was written by a newer limn."""


def key_of(request: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a request's canonical JSON, as 64 hexadecimal digits.

    Raises:
        InputError: If the request is not plain JSON.

    >>> key_of({"b": 1, "a": 2}) == key_of({"a": 2, "b": 1})
    True
    """
    try:
        text = json.dumps(request, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"request: cannot be written as JSON ({error}); give plain values") from None
    return hashlib.sha256(text.encode()).hexdigest()


def check_key(key: str) -> str:
    """Return the key if it is one.

    Raises:
        InputError: If it is not 64 hexadecimal digits.
    """
    if not isinstance(key, str) or not re.fullmatch(r"[0-9a-f]{64}", key):
        raise InputError(f"key: {str(key)[:80]!r} is not allowed; give the 64 hexadecimal digits of Request.key()")
    return key


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that :func:`limn.io.atomic.write_json` wrote.

    Raises:
        InputError: If it is missing.
        StoreError: If it is damaged.
    """
    with explained(path):
        path.stat()
    data = read_bounded(path, MAX_JSON, "repair the store with `limn runs repair`", error=StoreError)
    return parse_json(path, data, error=StoreError, remedy="repair the store with `limn runs repair`")


def read_request(folder: Path) -> dict[str, Any]:
    """Read a run folder's ``request.json`` and check that its request is the one the folder is named for.

    Returns:
        ``{"schema", "key", "created", "request"}``.

    Raises:
        InputError: If it is missing.
        StoreError: If it is damaged, or was written by a newer limn.
    """
    path = folder / "request.json"
    content = read_json(path)
    schema = content.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        raise VersionError(f"{path}: was written by a newer limn (schema {schema}); update limn to read it")
    request = content.get("request")
    if schema != SCHEMA or not isinstance(request, dict) or key_of(request) != folder.name:
        raise StoreError(f"{path}: is damaged; repair the store with `limn runs repair`")
    return content


def picture_total(request: Mapping[str, Any]) -> int:
    """Return how many pictures a request asks for, 0 when it does not say."""
    prompts, n = request.get("prompts"), request.get("n", 1)
    asked = len(prompts) * n if isinstance(prompts, (list, tuple)) and isinstance(n, int) else 0
    return min(max(asked, 0), MAX_PICTURES)


def picture_size(request: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return height and width of all pictures of a request; None when it does not say, as edits may enlarge."""
    size = request.get("height"), request.get("width")
    return size if all(isinstance(side, int) for side in size) and not request.get("edit") else None  # type: ignore[return-value]


def now() -> str:
    """Return the time in UTC, as text that sorts."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def environment() -> dict[str, Any]:
    """Return what drew the pictures: versions, and the commit when limn runs from its repository."""
    from importlib import metadata

    packages = ("limn", "torch", "numpy", "pillow", "safetensors", "tokenizers", "diffusers", "transformers")
    versions = {"python": platform.python_version()}
    for name in packages:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"versions": versions, "platform": platform.platform(), "machine": platform.machine(), **_commit()}


def _commit() -> dict[str, Any]:
    package = Path(__file__).resolve().parents[1]
    root = package.parents[1]
    if package.parent.name != "src" or not (root / ".git").exists():
        return {}
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        return {"commit": commit, "dirty": bool(_git(root, "status", "--porcelain", "--", "src").strip())}
    except (OSError, ValueError):
        return {}


def _git(root: Path, *arguments: str) -> str:
    import subprocess

    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=5).stdout
    except subprocess.SubprocessError as error:
        raise ValueError(f"git: {error}") from error
