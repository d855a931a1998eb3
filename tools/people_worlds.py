"""Train the small models of the audits: one for each world of people, all from the model of the even world.

python -m tools.people_worlds
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

from limn.data.people.worlds import WORLDS
from limn.train.loop import train
from limn.train.recipe import Recipe, read

__all__ = ["folder", "main", "trained"]

_STEPS = 1600
_LEARNING_RATE = 0.001


def folder(world: str) -> Path:
    """Return where the model of a world is trained."""
    return Path("runs/train") / ("people" if world == "even" else f"people_{world}")


def recipe_for(world: str) -> Recipe:
    """Return the recipe of a world: the even one's, and from its weights a shorter one for the others."""
    with resources.as_file(resources.files("limn.train") / "recipes" / "people.toml") as path:
        base = read(path)
    if world == "even":
        return base
    return replace(
        base,
        name=f"people_{world}",
        init=str(folder("even")),
        data=replace(base.data, people=world),
        optimiser=replace(base.optimiser, lr=_LEARNING_RATE),
        schedule=replace(base.schedule, steps=_STEPS, warmup=20, flat=0.3),
    )


def trained(world: str) -> Path:
    """Train the model of a world unless it is there, and return its folder."""
    for progress in train(recipe_for(world), folder(world)):
        if progress.saved:
            print(
                f"{world}: step {progress.step}, loss {progress.loss:.4f}, {progress.rate:.0f} a second", flush=True
            )
    return folder(world)


def main() -> None:
    """Train all of them."""
    for world in WORLDS:
        trained(world)


if __name__ == "__main__":
    main()
