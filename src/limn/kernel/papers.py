"""Papers: a part names its own by a key of ``references.bib``, or by its whole BibTeX entry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

_ENTRY = re.compile(r"(?m)^\s*@\w+\{([^,\s]+),")
_FIELD = re.compile(r"(?m)^\s*(\w+)\s*=\s*\{(.*)\},?\s*$")


@cache
def bibliography() -> Mapping[str, str]:
    """Return the shipped BibTeX entries by their keys."""
    text = resources.files("limn").joinpath("references.bib").read_text("utf-8")
    entries = re.split(r"(?m)^(?=@)", text)
    return {key(each): each.strip() for each in entries if _ENTRY.match(each)}


def key(paper: str) -> str:
    """Return the key of an entry, or the key that stands by itself.

    >>> key("@article{ho2022classifierfree, year = 2022}"), key("song2021ddim")
    ('ho2022classifierfree', 'song2021ddim')
    """
    whole = _ENTRY.match(paper)
    return whole[1] if whole else paper


def entry(paper: str) -> str:
    """Return the BibTeX entry of a paper; nothing where the bibliography has none."""
    return paper.strip() if _ENTRY.match(paper) else bibliography().get(paper, "")


def line(paper: str) -> str:
    """Return who, when, what, and where it can be found; the key alone where that is not known.

    >>> line("song2021ddim")
    'Song, Jiaming; Meng, Chenlin; Ermon, Stefano (2021): Denoising Diffusion Implicit Models. arXiv:2010.02502'
    """
    written: dict[str, str] = dict(_FIELD.findall(entry(paper)))
    if not written:
        return key(paper)
    fields = {name: re.sub(r"[{}]", "", value) for name, value in written.items()}
    authors = fields.get("author", "?").replace(" and ", "; ").replace("; others", " and others")
    where = f"arXiv:{fields['eprint']}" if "eprint" in fields else fields.get("doi") or fields.get("url", "")
    return f"{authors} ({fields.get('year', '?')}): {fields.get('title', '?')}. {where}".strip()
