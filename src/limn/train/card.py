"""The model card: ``card.json`` for programs, and the same as ``MODEL_CARD.md`` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from limn.io.atomic import write_text
from limn.io.files import sha256_of

__all__ = ["write_card", "write_sums"]

_CARD = """# {name}

{kind}. Weights: safetensors, an exponential moving average of training; matrices in eight bits a row or float16.

| | |
|---|---|
| Draws | {draws} |
| Data | {data} |
| Licence | {licence} |
| Network | {parameters:,} parameters: {network} |
| Recipe | `src/limn/train/recipes/{name}.toml`: {recipe} |
| Training | {training} |
{figures}

## What it is for

Research and teaching: a small model that is trained in hours, for trying methods on.

## Limits

It knows only what its data show, at {size} pixels. It is no photograph model; people are drawn as emoji are, with
the stereotypes of their designers, and are represented, never identified. {limits} Words outside its captions
mean little to it; `limn generate` says which they are, and `--familiar` reads them as the nearest thing it knows.
"""
_COPIES = "A small model on small data copies: many pictures are close to one it was trained on."


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``card.json`` and ``MODEL_CARD.md``.

    Args:
        folder: The model's folder.
        card: name, kind, draws, data, licence, parameters, network, recipe, training, size, figures by name; limits
            where they are others than those of a model that draws.
    """
    write_text(folder / "card.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    rows = "\n".join(f"| {name} | {value} |" for name, value in card["figures"].items())
    write_text(
        folder / "MODEL_CARD.md",
        _CARD.format(**{"limits": _COPIES, **card, "figures": rows or "| Figures | not measured |"}),
    )


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS``, which every later loading of the weights is held against."""
    settings = [path for path in folder.glob("*.json") if path.name != "card.json"]
    files = sorted([*folder.glob("*.safetensors"), *settings])
    write_text(folder / "SHA256SUMS", "".join(f"{sha256_of(path)}  {path.name}\n" for path in files))
