"""The model card: ``card.json`` for programs, and the same as ``MODEL_CARD.md`` for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from limn.io.atomic import write_text

_COPIES = "A small model on small data copies: many pictures are close to one it was trained on."


@dataclass(frozen=True, kw_only=True)
class About:
    """What a card says of all that one task trains.

    Args:
        kind: What it is, as ``An autoencoder``.
        objective: What was minimised.
        papers: Keys of the sources in ``references.bib``.
        does: What a network that does not draw does with pictures, as ``reads``.
        limits: What it cannot do, where that is other than what a model that draws cannot.
        portion: Which of the data it learned from, where that is other than the world's training part.
    """

    kind: str
    objective: str
    papers: tuple[str, ...] = ()
    does: str = ""
    limits: str = ""
    portion: str = ""


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write ``card.json`` and ``MODEL_CARD.md``.

    Args:
        folder: The model's folder.
        card: name, kind, draws, data, licence, parameters, network, recipe, training, size, figures by name; people,
            what is to be said of those that it shows; limits where they are others than those of a model that draws.
    """
    write_text(folder / "card.json", json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    rows = "\n".join(f"| {name} | {value} |" for name, value in card["figures"].items())
    template = resources.files("limn.train").joinpath("card.md").read_text("utf-8")
    people = f"{card['people']}\n" if card.get("people") else ""
    figures = rows or "| Figures | not measured |"
    text = template.format(**{"limits": _COPIES, **card, "people": people, "figures": figures})
    write_text(folder / "MODEL_CARD.md", text)
