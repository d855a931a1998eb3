"""From a checkpoint to the folder that ships: averaged weights in float16, a configuration and a model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from limn.io.atomic import write_text
from limn.train.card import About, write_card
from limn.train.checkpoint import Checkpoint
from limn.train.model_folder import write_sums
from limn.train.network import averaged_of, recipe_of, state_of
from limn.train.recipe import Recipe
from limn.train.task import Export, find
from limn.train.worlds import WORLDS

__all__ = ["export"]


def export(checkpoint: Path, folder: Path, *, figures: Mapping[str, str] | None = None, **wanted: Any) -> None:
    """Write a model folder: weights, the autoencoder's if any, ``config.json``, hashes, card and attribution.

    Args:
        checkpoint: A training folder.
        folder: Where to; made when missing.
        figures: What was measured, by name, for the model card.
        wanted: Fields of :class:`limn.train.task.Export`.

    Raises:
        InputError: ``checkpoint`` is of a stage that ships with its model, ``finer`` is of another model's, or
            ``tokens_of`` has other tokens.
        WeightsError: The checkpoint is missing or damaged, or a file cannot be written.
    """
    state = state_of(checkpoint)
    recipe, network = recipe_of(state), averaged_of(state)
    task = find(recipe.task)
    about, world = task.about(recipe), WORLDS[recipe.data.world]
    config = task.export(network, recipe, folder, Export(**wanted))
    write_text(folder / task.config_file, json.dumps(config, indent=1) + "\n")
    world.ship(recipe, folder, draws="family" in config)
    write_sums(folder)
    size = task.size(network, config)
    write_card(folder, {**_card(recipe, network, state, about), "size": size, "figures": dict(figures or {})})


def _card(recipe: Recipe, network: nn.Module, state: Checkpoint, about: About) -> dict[str, Any]:
    world = WORLDS[recipe.data.world]
    return {
        "name": recipe.name,
        "kind": about.kind,
        "draws": f"nothing; it {about.does} {world.shows}" if about.does else world.shows,
        "data": f"{world.source}; {about.portion or world.portion}",
        "licence": world.licence,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "network": ", ".join(f"{name} {value}" for name, value in recipe.network.items() if name != "fields"),
        "recipe": f"{about.objective}, {recipe.optimiser.name}, learning rate {recipe.optimiser.lr:g}",
        "training": f"{state.step:,} steps of {recipe.optimiser.batch} pictures, {state.seconds / 3600:.2f} hours",
        "papers": list(about.papers),
        **({"limits": about.limits} if about.limits else {}),
    }
