"""What a C2PA manifest claims (Content Credentials, specification 2.1): which software made the picture.

A manifest holds no prompt and no seed. Its signature is not checked here, so a claim is as good as any text in a
file; ``c2patool`` checks it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image

from limn.audit.provenance.record import Provenance

_DEEPEST = 16  # boxes inside boxes, values inside values


def read(picture: Image.Image, data: bytes) -> Provenance | None:
    """Return what the manifest that counts, the last one, claims; None where there is none.

    Args:
        picture: The opened file.
        data: The whole file.
    """
    try:
        manifests = list(_boxes(_store(picture, data)))
    except (ValueError, IndexError, struct.error, RecursionError):
        return Provenance(tool="C2PA", gap="its manifest cannot be read")
    if not manifests:
        return None
    last = next((label for path, label, _ in reversed(manifests) if len(path) == 1), "")
    parts = [(label, content) for path, label, content in manifests if last in path and content is not None]
    actions = [
        action
        for label, content in parts
        if label.startswith("c2pa.actions")
        for action in _list(content, "actions")
        if isinstance(action, Mapping)
    ]
    actions.sort(key=lambda action: action.get("action") != "c2pa.created")
    makers = [_name(action.get("softwareAgent")) for action in actions]
    makers += [
        _name(info) for label, content in parts if label.startswith("c2pa.claim") for info in _claimed(content)
    ]
    return Provenance(
        tool="C2PA", model=next(filter(None, makers), ""), gap="a manifest tells no prompt and no seed"
    )


def _store(picture: Image.Image, data: bytes) -> bytes:
    """Return the manifests as they lie in a PNG, JPEG or WebP."""
    if picture.format == "PNG":
        chunks = getattr(picture, "private_chunks", [])
        return b"".join(chunk[1] for chunk in chunks if chunk[0] == b"caBX")
    if picture.format == "JPEG":
        pieces = [piece for name, piece in getattr(picture, "applist", []) if name == "APP11" and piece[:2] == b"JP"]
        pieces.sort(key=lambda piece: struct.unpack(">HI", piece[2:8]))
        # each piece repeats the outermost box's head behind its own
        return b"".join(piece[8 if place == 0 else 16 :] for place, piece in enumerate(pieces))
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack("<4sI", data[place : place + 8])
        if kind == b"C2PA":
            return data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2
    return b""


def _boxes(data: bytes, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Give each box of ISO 19566-5: the labels that it lies below, its own, and what it says in CBOR."""
    place = 0
    while place + 8 <= len(data) and len(path) < _DEEPEST:
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        if length < 8:
            raise ValueError("a box has no length")
        content = data[place + 8 : place + length]
        if kind == b"jumb":
            described = struct.unpack(">I", content[:4])[0]
            label = content[8 + 17 : described].partition(b"\0")[0].decode("utf-8", "replace")
            yield path, label, None
            yield from _boxes(content[described:], (*path, label))
        elif kind == b"cbor" and path:
            yield path, path[-1], _cbor(content)[0]
        place += length


def _cbor(data: bytes, place: int = 0, depth: int = 0) -> tuple[Any, int]:
    """Read one value of RFC 8949, and say where it ends."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    kind, small = data[place] >> 5, data[place] & 31
    place += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(small, 0)
    number = int.from_bytes(data[place : place + size], "big") if size else small
    endless = small == 31
    place += size
    if kind in (0, 1):
        return (number if kind == 0 else -1 - number), place
    if kind == 6:
        return _cbor(data, place, depth + 1)
    if kind == 7:
        return {20: False, 21: True}.get(number) if not size else None, place
    if kind in (2, 3) and not endless:
        text = data[place : place + number]
        return (text if kind == 2 else text.decode("utf-8", "replace")), place + len(text)
    values: list[Any] = []
    wanted = number * (2 if kind == 5 else 1)
    while (endless and data[place] != 255) or (not endless and len(values) < wanted):
        value, place = _cbor(data, place, depth + 1)
        values.append(value)
    place += endless
    if kind == 5:
        return {
            key if isinstance(key, str) else repr(key): value
            for key, value in zip(values[::2], values[1::2], strict=True)
        }, place
    joined = (b"" if kind == 2 else "").join(values) if kind in (2, 3) else values
    return joined, place


def _claimed(claim: Any) -> list[Any]:
    infos = claim.get("claim_generator_info") if isinstance(claim, Mapping) else None
    return [
        *(infos if isinstance(infos, list) else [infos]),
        claim.get("claim_generator") if isinstance(claim, Mapping) else None,
    ]


def _name(agent: Any) -> str:
    return str((agent.get("name") if isinstance(agent, Mapping) else agent) or "")


def _list(content: Any, name: str) -> list[Any]:
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, list) else []
