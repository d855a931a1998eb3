"""One picture: nearness to it against obedience, over the share v of the untouched model; and larger sizes."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kit import sheets
from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import mean, mean_share
from benchmarks.kit.judging import vectors
from benchmarks.kit.results import kept
from benchmarks.learning import concepts
from benchmarks.learning.judging import coloured, things
from benchmarks.learning.teaching import MEASURED, Budget, Course, runs, taught
from limn.io.pictures import composite
from limn.models.judges import Judge, judge

WAYS = {"patches": "sine", "whole picture only": "sine:patches=0"}
SHARES = (0.0, 0.3, 0.5, 0.7, 0.85, 1.0)
UNTIL, AT = (0.2, 0.4, 0.6, 0.8, 1.0), 0.7
"""Shares of the walk in which both models are mixed (K of the paper), at one share of the untouched model."""
SIZES = (64, 96, 128)
COLOURS, DRAWN = ("red", "blue", "green"), 4


def measure(
    *, seeds: int = 3, subjects: int = 6, minutes: float = 0, judged_by: str = "judge_b"
) -> dict[str, Any]:  # fmt: skip
    """Return nearness and obedience by way and share, and things counted by size; runs that are there are kept."""
    budget, one = Budget(minutes), judge(judged_by)
    drawings = {name: concepts.subject(name, concepts.CACHE) for name in list(concepts.SUBJECTS)[:subjects]}
    found: dict[str, list[dict[str, Any]]] = {}
    parts: dict[str, list[dict[str, Any]]] = {}
    for seed in range(seeds):
        for way, text in WAYS.items():
            for name, drawing in drawings.items():
                folder = runs() / "picture" / way / f"{name}-{seed}"
                if budget.over and not folder.with_suffix(".json").exists():
                    continue
                measure_one = partial(_one, one, name, drawing, text, folder, seed)
                found.setdefault(way, []).append(kept(folder.with_suffix(".json"), measure_one))
                share_of = partial(_until, one, name, composite(drawing), folder / MEASURED / "learned.safetensors")
                parts.setdefault(way, []).append(kept(folder.with_name(f"{folder.name}-until.json"), share_of))
    show(drawings)
    keys = [f"v={share}" for share in SHARES] + ["learned alone"]
    return {
        "claim": "at equal nearness to the picture, both models together obey more than the fine-tuned one alone",
        **{way: {key: _points([row[key] for row in rows]) for key in keys} for way, rows in found.items()},
        **{
            f"{way}, v={AT:g}, by the share that is mixed": {
                f"{until:g}": _points([row[f"{until:g}"] for row in rows]) for until in UNTIL
            }
            for way, rows in parts.items()
        },
        "things drawn for one, by size": {
            way: {f"{size}": mean([row["things"][str(size)] for row in rows]) for size in SIZES}
            for way, rows in found.items()
        },
        "runs": sum(map(len, found.values())),
        "of": seeds * len(WAYS) * len(drawings),
    }


def _one(one: Judge, name: str, drawing: Pixels, text: str, folder: Path, seed: int) -> dict[str, Any]:
    how = f"{text}{',' if ':' in text else ':'}thing={name}"
    source = composite(drawing)
    files = concepts.written({"whole": source}, runs() / "pictures" / name)
    path, cost = taught(folder, Course(text=how), files, (), seed=seed, looks=0)[MEASURED]
    row = {**judged(one, name, source, path), **cost}
    print(how, seed, row["v=0.7"], row["things"], cost["processor"], flush=True)
    return row


def judged(one: Judge, name: str, source: Pixels, path: Path) -> dict[str, Any]:
    """Ask for other colours at each share, and for the picture itself at each size."""
    rows: dict[str, Any] = {}
    for share in SHARES:
        guide = f"mixture:model={path},prompt=a zorp {name},v={share}"
        rows[f"v={share}"] = _edited(one, name, source, guide=[guide])
    rows["learned alone"] = _edited(one, f"zorp {name}", source, adapter=str(path))
    drawn = {size: draw("emoji", [f"a zorp {name}"], n=DRAWN, size=size, adapter=str(path)) for size in SIZES}
    return {**rows, "things": {size: float(things(made.pixels).mean()) for size, made in drawn.items()}}


def _until(one: Judge, name: str, source: Pixels, path: Path) -> dict[str, Any]:
    """Ask for other colours while both models are mixed for longer and longer."""
    guide = f"mixture:model={path},prompt=a zorp {name},v={AT}"
    return {f"{until:g}": _edited(one, name, source, guide=[f"{guide},until={until}"]) for until in UNTIL}


def _edited(one: Judge, name: str, source: Pixels, **options: Any) -> dict[str, float]:
    own, near, apart, right = vectors(one, source[None])[0], [], [], []
    for colour in COLOURS:
        pictures = draw("emoji", [f"a {colour} {name}"], n=DRAWN, **options).pixels
        near.append(float((vectors(one, pictures) @ own).mean()))
        apart.append(float(np.sqrt(np.square(pictures / 255.0 - source / 255.0).mean((1, 2, 3))).mean()))
        right.append(float(coloured(pictures, colour).mean()))
    return {"near": float(np.mean(near)), "apart": float(np.mean(apart)), "obeyed": float(np.mean(right))}


def _points(rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    names = {"near": "cosine to the picture", "apart": "root mean square", "obeyed": "colour as asked"}
    own = {"obeyed": mean_share}  # the others are no shares
    return {words: own.get(name, mean)([row[name] for row in rows]) for name, words in names.items()}


def show(drawings: Mapping[str, Pixels]) -> None:
    """Write a sheet: the picture, then "a red ..." at each share."""
    groups: dict[str, Any] = {}
    for name, drawing in drawings.items():
        path = runs() / "picture" / "patches" / f"{name}-0" / MEASURED / "learned.safetensors"
        if path.exists():
            guides = [f"mixture:model={path},prompt=a zorp {name},v={share}" for share in SHARES]
            made = [draw("emoji", [f"a red {name}"], n=2, guide=[guide]).pixels for guide in guides]
            groups[name] = np.concatenate([composite(drawing)[None], *made])
    if groups:
        sheets.rows("learning/pictures", groups, columns=13, label=120)
