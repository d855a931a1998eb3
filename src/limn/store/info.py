"""What a list of runs says of each, read from its folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from limn.io.atomic import explained
from limn.kernel.errors import InputError, LimnError
from limn.store.record import picture_total, read_request
from limn.store.run import picture_files


@dataclass(frozen=True, kw_only=True)
class RunInfo:
    """A line in the list of runs.

    Args:
        key: The run's key.
        folder: Its folder.
        created: When it was first asked for, UTC, as text that sorts.
        model: Name of the model.
        prompt: The first prompt, shortened.
        total: Pictures asked for.
        drawn: Pictures there by name; :meth:`Run.done` checks their content.
        finished: Whether all are there and its record was written.
        problem: What is wrong with the folder, with the remedy; empty when nothing is.
    """

    key: str
    folder: Path
    created: str
    model: str
    prompt: str
    total: int
    drawn: int
    finished: bool
    problem: str


def run_folders(root: Path) -> list[Path]:
    """Return the folders of a store that are named as runs, in order; linked ones are passed over."""
    with explained(root):
        groups = [group for group in _named(root / "runs", "[0-9a-f]{2}") if not group.is_symlink()]
        folders = [folder for group in groups for folder in _named(group, f"{group.name}[0-9a-f]{{62}}")]
        return [folder for folder in folders if not folder.is_symlink()]


def linked_folders(root: Path) -> list[Path]:
    """Return what is named as a run, or as a group of runs, but is a link; nothing is read or written there."""
    with explained(root):
        groups = _named(root / "runs", "[0-9a-f]{2}")
        real = [group for group in groups if not group.is_symlink()]
        folders = [folder for group in real for folder in _named(group, f"{group.name}[0-9a-f]{{62}}")]
        return [folder for folder in (*groups, *folders) if folder.is_symlink()]


def _named(folder: Path, pattern: str) -> list[Path]:
    """Return the folders in a folder whose names fit, linked ones among them."""
    return [path for path in sorted(folder.iterdir()) if re.fullmatch(pattern, path.name) and path.is_dir()]


def row_of(folder: Path, stamp: int) -> dict[str, Any]:
    """Read what the index keeps of a run.

    Args:
        folder: The run's folder.
        stamp: Its modification time in nanoseconds, 0 when it may still change within it.
    """
    problem = ""
    wrapper: dict[str, Any] = {}
    try:
        wrapper = read_request(folder)
    except InputError:
        problem = f"{folder / 'request.json'}: is missing; repair the store with `limn runs repair`"
    except LimnError as error:
        problem = str(error)
    request = wrapper.get("request", {})
    texts = list(_texts(request))
    model = storable(str(request.get("model", "")))
    drawn, total = len(picture_files(folder)), picture_total(request)
    created = wrapper.get("created")
    if not isinstance(created, str):
        created = datetime.fromtimestamp(folder.stat().st_mtime, UTC).isoformat(timespec="microseconds")
    return {
        "key": folder.name,
        "stamp": stamp,
        "created": storable(created),
        "model": model,
        "prompt": texts[0][:200] if texts else "",
        "words": "\n".join([folder.name, model, *texts])[:100_000].casefold(),
        "total": total,
        "drawn": drawn,
        "finished": (folder / "record.json").exists() and drawn >= total,
        "problem": storable(problem),
        "empty": not (folder / "request.json").exists(),
    }


def _texts(request: Mapping[str, Any]) -> Iterator[str]:
    prompts = request.get("prompts")
    for prompt in prompts if isinstance(prompts, list) else []:
        text = prompt.get("text") if isinstance(prompt, Mapping) else prompt
        if isinstance(text, str):
            yield storable(text)


def storable(text: str) -> str:
    """Replace half characters, which SQLite cannot keep."""
    return text.encode("utf-8", "replace").decode()
