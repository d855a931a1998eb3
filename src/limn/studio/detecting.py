"""What a picture's file tells of where it came from: three facts, each with its source, none of them a verdict.

A picture without any of them may come from anywhere: nothing here says that a picture is real.
"""

from __future__ import annotations

import html
import io
import json
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from limn.audit.provenance.read import read_provenance
from limn.io.files import read_bounded
from limn.io.pictures import FORMATS, MAX_BYTES, composite, decode
from limn.kernel.errors import InputError, LimnError
from limn.provenance.credential import Credential, credential
from limn.provenance.mark import LEVEL, Found, detect
from limn.store import read_record
from limn.store.parameters import prompt_of
from limn.studio.tracing import described

_RECORD: Final = re.compile(r"<limn:record[^>]*>(.*?)</limn:record>", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a file tells.

    Args:
        record: What it says of how it was made; empty where it says nothing.
        mark: What the detector of this person's mark found; None where nothing can look.
        credential: What its credential is worth; None where nothing can check it.
        vector: Whether it is a vector file, which has no pixels to be marked.
    """

    record: dict[str, Any]
    mark: Found | None
    credential: Credential | None
    vector: bool = False

    def told(self) -> dict[str, Any]:
        """Return the facts as JSON-ready data, each with its source."""
        mark: dict[str, Any] = {"source": "the pixels, by limn[provenance], which is not installed"}
        if self.vector:
            mark = {"found": False, "source": "none: a vector file has no pixels to be marked"}
        if self.mark is not None:
            mark = {
                "found": self.mark.marked, "p_value": self.mark.p_value, "false_positive_rate": LEVEL,
                "message": self.mark.message.hex() if self.mark.message else None,
                "agree": self.mark.agree, "of": self.mark.of, "size": self.mark.size,
                "source": "the pixels, by the key in limn's home",
            }  # fmt: skip
        worth: dict[str, Any] = {"source": "the file's C2PA manifest, by limn[provenance], which is not installed"}
        if self.credential is not None:
            worth = {
                **vars(self.credential),
                "problems": list(self.credential.problems),
                "source": "the file's C2PA manifest",
            }
        return {"record": self.record or {"found": False}, "mark": mark, "credential": worth}


def facts(path: Path, key: bytes | None, anchors: bytes | None) -> Facts:
    """Return what a picture's file tells.

    Args:
        path: A PNG, JPEG, WebP or SVG.
        key: Of the mark; nothing looks for one if None.
        anchors: PEM of the authorities that are trusted; no credential is checked if None.

    Raises:
        InputError: It cannot be read, or is no picture.
    """
    data = read_bounded(path, MAX_BYTES, "scale the picture down", error=InputError)
    if path.suffix.lower() == ".svg":
        worth = credential(data, "SVG", anchors) if anchors is not None else None
        return Facts(record=_vector(data), mark=None, credential=worth, vector=True)
    pixels = composite(np.asarray(decode(data, name=str(path))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = str(Image.open(io.BytesIO(data), formats=FORMATS).format)
    mark = detect(pixels, key) if key is not None else None
    worth = credential(data, kind, anchors) if anchors is not None else None
    return Facts(record=_record(path, data), mark=mark, credential=worth)


def _record(path: Path, data: bytes) -> dict[str, Any]:
    """Return what a file says of how it was made, of whatever tool."""
    own, source = _own(path, data)
    if own:
        about: dict[str, Any] = {
            name: own[name] for name in ("seed", "key", "index", "upscaled", "scene") if name in own
        }
        about |= {"model": (own.get("request") or {}).get("model")}
        return {"found": True, "tool": "limn", "prompt": prompt_of(own), **about, "source": source}
    other = read_provenance(path)
    if other is None or other.tool == "C2PA":
        return {}
    return {
        "found": True, "tool": other.tool, "prompt": other.prompt, "seed": other.seed, "model": other.model,
        "gap": other.gap, "source": "text in the file, which anybody can write",
    }  # fmt: skip


def _vector(data: bytes) -> dict[str, Any]:
    """Return what an SVG that limn traced says of itself."""
    about, title = described(data), re.search(r"<title>([^<]*)</title>", data.decode("utf-8", "replace"))
    if not isinstance(about, dict):
        return {}
    told = {"found": True, "tool": "limn", "prompt": html.unescape(title[1]) if title else ""}
    return {**told, "traced": about, "source": "the file's metadata, which anybody can write"}


def _own(path: Path, data: bytes) -> tuple[dict[str, Any], str]:
    """Return limn's own record, and where it stands."""
    try:
        return read_record(path), "the PNG's chunk 'limn', which anybody can write"
    except LimnError:
        pass
    found = _RECORD.search(data.decode("utf-8", "replace"))
    try:
        record = json.loads(html.unescape(found[1])) if found else {}
    except (ValueError, RecursionError):
        record = {}
    return (record if isinstance(record, dict) else {}), "the file's XMP, which anybody can write"
