"""What lies in the store: runs, their pictures, what differs between two, a bin, an export."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from limn.io.atomic import explained, move_aside
from limn.io.lock import Lock
from limn.io.targets import check_unlinked
from limn.kernel.errors import InputError, LimnError
from limn.store import Store, read_record
from limn.store.info import RunInfo
from limn.store.record import check_key, read_request
from limn.store.run import lock_run, picture_files

MAX_EXPORT: Final = 2**28  # bytes


def picture(store: Store, key: str, index: int) -> Path:
    """Return the file of a picture.

    Raises:
        InputError: There is no such run or picture.
    """
    folder = check_unlinked(store.root, store.root / "runs" / check_key(key)[:2] / key)
    if not folder.is_dir():
        raise InputError(f"picture: run {key[:12]} is not here; it may have been deleted")
    paths = picture_files(folder).get(index, [])
    if not paths:
        raise InputError(f"picture: number {index} of run {key[:12]} is not here; it may have been deleted")
    return check_unlinked(store.root, paths[0])


def listed(
    store: Store, *, search: str = "", model: str = "", since: str = "", until: str = "", limit: int = 60,
    offset: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return runs, newest first, with the numbers and prompts of their pictures.

    Of a run some of whose prompts have all words of a search, only the pictures of those are told.

    Args:
        store: Where.
        search: Words that must all occur.
        model: Only runs of this model.
        since: Only runs from this day on, as 2026-11-29, UTC.
        until: Only runs up to this day.
        limit: At most so many.
        offset: So many are passed over.
    """
    runs = store.runs(search=search or None)
    runs = [
        run
        for run in runs
        if model in ("", run.model) and since <= run.created[:10] and (not until or run.created[:10] <= until)
    ][offset : offset + limit]
    facts = ("key", "created", "model", "prompt", "total", "drawn", "finished", "problem")
    result = []
    for run in runs:
        texts = _prompts(run, sorted(picture_files(run.folder)))
        words = search.casefold().split()
        fitting = {index: text for index, text in texts.items() if all(word in text.casefold() for word in words)}
        shown = fitting or texts
        about = {"pictures": list(shown), "prompts": list(shown.values())}
        result.append({**{name: getattr(run, name) for name in facts}, **about})
    return result


def _prompts(run: RunInfo, indices: list[int]) -> dict[int, str]:
    """Return what each picture of a run was drawn by, shortened; the first prompt where the run does not say."""
    try:
        request = read_request(run.folder)["request"]
        texts, n = [str(prompt["text"])[:200] for prompt in request["prompts"]], int(request["n"])
        return {index: texts[index // n] for index in indices}
    except (LimnError, KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return dict.fromkeys(indices, run.prompt)


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what two records say differently: the path to each value, and both values.

    >>> differences({"request": {"seed": 1, "n": 1}}, {"request": {"seed": 2, "n": 1}})
    [{'what': 'request.seed', 'first': 1, 'second': 2}]
    """
    one, two = _flat(first), _flat(second)
    names = [name for name in dict.fromkeys([*one, *two]) if one.get(name) != two.get(name)]
    return [{"what": name, "first": one.get(name), "second": two.get(name)} for name in names]


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        items = [(str(key), entry) for key, entry in value.items()]
    elif isinstance(value, list) and value:
        items = [(str(place), entry) for place, entry in enumerate(value)]
    else:
        shown = value if not isinstance(value, str) or len(value) <= 200 else f"{value[:200]}…"
        return {name: shown}
    return {path: leaf for key, entry in items for path, leaf in _flat(entry, f"{name}.{key}".strip(".")).items()}


def delete(store: Store, key: str, index: int) -> str:
    """Put a picture into the store's bin, and return where it is there; a run without pictures is not listed.

    Raises:
        InputError: There is no such picture.
        StoreError: It is being drawn, or cannot be moved.
    """
    path = picture(store, key, index)
    folder = check_unlinked(store.root, store.root / "bin" / key)
    with lock_run(path.parent, wait=2.0):
        place = move_aside(path, folder)
        if not picture_files(path.parent):
            for name in ("request.json", "record.json"):
                if (path.parent / name).is_file():
                    move_aside(path.parent / name, folder)
    return str(place.relative_to(store.root))


def export(store: Store, chosen: Sequence[tuple[str, int]]) -> bytes:
    """Return pictures as a ZIP file, each with its record inside it as ever.

    Raises:
        InputError: One is not there, or they are too large together.
    """
    buffer, size = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for key, index in dict.fromkeys(chosen):
            path = picture(store, key, index)
            with explained(path):
                data = path.read_bytes()
            size += len(data)
            if size > MAX_EXPORT:
                raise InputError(f"export: more than {MAX_EXPORT:,} bytes; choose fewer pictures")
            packed.writestr(f"{key[:12]}-{path.name}", data)
    return buffer.getvalue()


def record(store: Store, key: str, index: int) -> dict[str, Any]:
    """Return the record of a picture."""
    return read_record(picture(store, key, index))


def only_server(store: Store) -> Lock:
    """Return what keeps a second server from the same queue."""
    return Lock(store.root / ".server.lock", f"the queue of {store.root}", wait=0.5)
