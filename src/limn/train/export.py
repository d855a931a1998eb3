"""From a checkpoint to the folder that ships: averaged weights in float16, a configuration and a model card."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from limn.io.atomic import make_folder, write_json, write_text
from limn.io.configurations import read_json
from limn.io.targets import keep_foreign
from limn.kernel.errors import LimnError
from limn.train.card import About, write_card
from limn.train.checkpoint import Checkpoint
from limn.train.model_folder import SUMS, write_sums
from limn.train.network import averaged_of, recipe_of, state_of
from limn.train.post_hoc_ema import reconstructed
from limn.train.recipe import Recipe
from limn.train.task import Export, find
from limn.train.worlds import WORLDS

_OWN = (SUMS, "card.json", "MODEL_CARD.md", "ATTRIBUTION.md")


def check_target(folder: Path, *, force: bool = False) -> None:
    """Check that a folder is new, or has nothing that an export could replace but an earlier one.

    Raises:
        InputError: It holds files that no export wrote.
    """
    ours: set[str] = set()
    with suppress(LimnError, OSError, ValueError):
        card = read_json(folder / "card.json")
        if card.get("unfinished") is True:  # an export was interrupted, into a folder that was checked
            return
        if {"kind", "recipe"} <= card.keys():
            lines = (folder / SUMS).read_text("utf-8").splitlines()
            ours = {*_OWN, *(line.partition("  ")[2] for line in lines)}
    there = [*folder.glob("*.safetensors"), *folder.glob("*.json"), *(folder / name for name in _OWN)]
    keep_foreign(there, ours, force=force)


def export(
    checkpoint: Path,
    folder: Path,
    *,
    figures: Mapping[str, str] | None = None,
    force: bool = False,
    length: float | None = None,
    **wanted: Any,
) -> None:
    """Write a model folder: weights, the autoencoder's if any, ``config.json``, hashes, card and attribution.

    Args:
        checkpoint: A training folder.
        folder: Where to; made when missing.
        figures: What was measured, by name, for the model card.
        force: Whether files that no earlier export wrote may be replaced.
        length: Relative length of the average of weights (post-hoc EMA), where the run wrote snapshots; the recipe's
            own average if None.
        wanted: Fields of :class:`limn.train.task.Export`.

    Raises:
        InputError: As :func:`check_target`; ``checkpoint`` is of a stage that ships with its model, ``finer`` is of
            another model's, or ``tokens_of`` has other tokens.
        WeightsError: The checkpoint is missing or damaged, or a file cannot be written.
    """
    check_target(folder, force=force)
    state = state_of(checkpoint)
    if length is not None:
        weights = reconstructed(checkpoint, length, state.step)
        state = replace(state, tensors={**state.tensors, "ema": {**state.tensors["ema"], **weights}})
    recipe, network = recipe_of(state), averaged_of(state)
    task = find(recipe.task)
    about, world = task.about(recipe), WORLDS[recipe.data.world]
    with _claimed(folder, recipe.name):
        config = task.export(network, recipe, folder, Export(**wanted))
    write_text(folder / task.config_file, json.dumps(config, indent=1) + "\n")
    world.ship(recipe, folder, draws="family" in config)
    write_sums(folder)
    size = task.size(network, config)
    write_card(folder, {**_card(recipe, network, state, about), "size": size, "figures": dict(figures or {})})


@contextmanager
def _claimed(folder: Path, name: str) -> Iterator[None]:
    """Mark a folder as one that is being written; if that is refused and nothing was, leave none."""
    new = not folder.exists()
    make_folder(folder)
    write_json(folder / "card.json", {"name": name, "unfinished": True})
    try:
        yield
    except LimnError:
        if new and len(list(folder.iterdir())) == 1:
            (folder / "card.json").unlink()
            folder.rmdir()
        raise


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
        **({"people": world.people} if world.people else {}),
        **({"limits": about.limits} if about.limits else {}),
    }
