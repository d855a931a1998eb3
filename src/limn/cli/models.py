"""``limn models``: which models there are, and what is known of them."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from limn.cli import console

COLUMNS = {
    "name": "name",
    "draws": "what it draws",
    "size": "pixels",
    "parameters": "parameters",
    "licence": "licence",
    "figures": "measured",
}
SHOWN = 1
"""Figures of a card that the table has room for."""


def models(
    json: Annotated[bool, typer.Option("--json", help="Print everything that the cards say, as JSON.")] = False,
) -> None:
    """List the models that limn or an installed package brings, and those that were pulled."""
    from limn import models as room

    cards = {name: {"name": name, **room.describe(name)} for name in room.names()}
    hub = _pulled()
    if json:
        print(json_text.dumps([*cards.values(), *hub], indent=2))
        return
    cards |= {card["name"]: card for card in hub}
    console.table(list(COLUMNS.values()), [[_cell(card.get(field)) for field in COLUMNS] for card in cards.values()])
    styles = {name: card["styles"] for name, card in cards.items() if card.get("styles")}
    for name, known in styles.items():
        console.say(f"styles of {name}: {', '.join(known)}")


def _pulled() -> list[dict[str, Any]]:
    """Return what was pulled from hubs, with the family that reads it, or how it is used."""
    from limn.models import memory, pulling

    cards = []
    for own in pulling.inventory():
        draws = _draws(own["folder"])
        size, licence = memory.said(own["bytes"]), own["licence"]
        cards.append(
            {"name": own["name"], "draws": draws, "parameters": size, "licence": licence, "commit": own["commit"]}
        )
    return cards


def _draws(folder: Path) -> str:
    """Return the family that reads what was pulled, or that it is an adapter."""
    from limn.kernel.errors import InputError
    from limn.models.checkpoints import family_of

    files = [str(path) for path in sorted(folder.rglob("*.safetensors"))]
    try:
        if (folder / "model_index.json").exists() or not files:
            return family_of(folder)
        from limn.models.adapters import is_adapter
        from limn.models.checkpoints import single_file

        own = sum(map(is_adapter, files))
        if own:
            return "an adapter" if own == 1 else f"{own} adapters"
        return single_file.family_of(Path(files[0]))
    except InputError as error:
        return f"not read: {str(error).rpartition(': ')[2][:60]}"


def _cell(value: Any) -> str:
    if value is None or value == {}:
        return "-"
    if isinstance(value, dict):
        some = [f"{name} {_cell(entry)}" for name, entry in value.items()]
        rest = [f"{len(some) - SHOWN} more with --json"] if len(some) > SHOWN else []
        return ", ".join([*some[:SHOWN], *rest])
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(entry) for entry in value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value / 1e6:.1f} M"
    return str(value)
