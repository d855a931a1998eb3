"""Sources as a reader wants them: who, when, what, and where it can be found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

__all__ = ["cited"]

ENTRY = re.compile(r"(?m)^@\w+\{([^,\s]+),")
FIELD = re.compile(r"(?m)^\s*(\w+)\s*=\s*\{(.*)\},?\s*$")


def cited(keys: Sequence[str]) -> list[str]:
    """Return one line for each citation key, in order and without repetition.

    >>> cited(["song2021ddim"])
    ['Song, Jiaming; Meng, Chenlin; Ermon, Stefano (2021): Denoising Diffusion Implicit Models. arXiv:2010.02502']
    """
    known = _bibliography()
    return [_line(known[key]) if key in known else key for key in dict.fromkeys(keys) if key]


@cache
def _bibliography() -> dict[str, dict[str, str]]:
    text = resources.files("limn").joinpath("references.bib").read_text("utf-8")
    entries = re.split(r"(?m)^(?=@)", text)
    return {found[1]: dict(FIELD.findall(each)) for each in entries if (found := ENTRY.match(each))}


def _line(fields: dict[str, str]) -> str:
    plain = {name: re.sub(r"[{}]", "", value) for name, value in fields.items()}
    authors = plain.get("author", "?").replace(" and ", "; ").replace("; others", " and others")
    where = f"arXiv:{plain['eprint']}" if "eprint" in plain else plain.get("doi") or plain.get("url", "")
    return f"{authors} ({plain.get('year', '?')}): {plain.get('title', '?')}. {where}".strip()
