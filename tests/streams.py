"""Small models that draw from more than words, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import Recipe, parse

SAMPLE = Path(__file__).parent / "sample" / "pictograms"
SHAPE = {"width": 16, "depth": 2, "heads": 2, "channels": 3, "grid": 64, "patch": 16, "text_width": 128}


def recipe(task: str, **fields: Any) -> Recipe:
    """Return a recipe of a few steps on the sample pictograms."""
    return parse({
        "name": "tiny", "task": task, "schedule": {"steps": 2, "warmup": 1}, "optimiser": {"batch": 8},
        "saving": {"steps": 2, "sheet_minutes": 0.0}, **fields,
        "data": {"folder": str(SAMPLE), **fields.get("data", {})},
    })  # fmt: skip


def trained(plan: Recipe, folder: Path) -> Path:
    """Train a recipe in a folder."""
    list(train(plan, folder, device="cpu"))
    return folder


def base(folder: Path) -> Path:
    """Make a small model of words only."""
    run = trained(recipe("generator", network=SHAPE), folder / "base_run")
    export(run, folder / "base", styles=False)
    return folder / "base"


def conditioned(folder: Path, **objective: Any) -> Recipe:
    """Return the recipe of streams beside a small model, with the encoder that they need."""
    encoder = trained(recipe("magma"), folder / "encoder_run")
    return recipe(
        "conditioned", init=str(base(folder)), network={**SHAPE, "early": 1},
        objective={"encoder": str(encoder), **objective},
    )  # fmt: skip


def family(folder: Path) -> dict[str, Path]:
    """Make small models of every kind that share one set of streams; returns their folders by name."""
    plan = conditioned(folder)
    export(trained(plan, folder / "conditioned_run"), folder / "streams")
    for name, task, network in (("translator", "translator", {}), ("prior", "prior", {"noisy": True})):
        run = trained(recipe(task, network={"width": 16, "depth": 1, **network}), folder / f"{name}_run")
        export(run, folder / name)
    for name, low, high in (("low", 0.0, 0.5), ("high", 0.5, 1.0)):
        expert = {"network": {"width": 16, "depth": 2, "rank": 2}}
        objective = {"parent": plan.init, "low": low, "high": high}
        export(trained(recipe("experts", **expert, objective=objective), folder / f"{name}_run"), folder / name)
    shared = {"family": "conditioned", "steps": 2}
    interleaved = ["interleaved:first='classifier_free:scale=2',second='classifier_free:scale=2,drop=neighbours'"]
    models = {
        "vader": {"kinds": ["picture"]},
        "reimagen": {"kinds": ["neighbour"], "guide": interleaved},
        "dalle2": {"kinds": ["embedding"], "words": False, "embedding": "translator"},
        "dalle2_prior": {"kinds": ["embedding"], "words": False, "embedding": "prior"},
        "ediffi": {"kinds": ["embedding"], "embedding": "translator", "experts": ["low", "high"]},
    }
    for name, config in models.items():
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(json.dumps({**shared, **config}))
    return {name: folder / name for name in models}
