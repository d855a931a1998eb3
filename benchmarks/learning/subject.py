"""A subject: is it this very thing, does it obey words, and is its class still what it was?"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit import sheets
from benchmarks.kit.drawing import Pixels, draw
from benchmarks.kit.intervals import mean, mean_share
from benchmarks.kit.judging import vectors
from benchmarks.kit.results import kept
from benchmarks.kit.run import PICTOGRAMS
from benchmarks.learning import concepts
from benchmarks.learning.judging import coloured
from benchmarks.learning.teaching import MEASURED, Budget, Course, runs, taught
from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.io.pictures import composite
from limn.models import load as load_model
from limn.models.judges import Judge, judge

WAYS: Mapping[str, Course] = {
    "rank 8": Course(text="dreambooth:rank=8", steps=1000, at=(100, 400, 1000), every=50),
    "rank 8 without the prior": Course(text="dreambooth:rank=8,prior=0", steps=400, at=(100, 400), every=50),
    "rank 1": Course(text="dreambooth:rank=1", every=50),
    "rank 4": Course(text="dreambooth:rank=4", every=50),
    "rank 16": Course(text="dreambooth:rank=16", every=50),
    "all weights": Course(text="dreambooth:rank=0,lr=0.00005", every=50),
}
WEIGHTS = (0.5, 0.7)
"""At which the adapter of the first way is looked at besides 1."""
SHARES = ("colours obeyed", "colours obeyed before", "class shows the subject")
COLOURS, DRAWN, EACH = ("red", "blue", "green"), 12, 4


def measure(
    *, seeds: int = 1, subjects: int = 4, minutes: float = 0, judged_by: str = "judge_b", data: Path = PICTOGRAMS,
) -> dict[str, Any]:  # fmt: skip
    """Return likeness, obedience and what became of the class, by way; runs that are there are kept."""
    budget, one = Budget(minutes), judge(judged_by)
    source = load(data, SPLITS)
    drawings = {name: concepts.subject(name, concepts.CACHE) for name in list(concepts.SUBJECTS)[:subjects]}
    class_of = {name: vectors(one, source.where(label=name).on()) for name in drawings}
    rows: dict[str, list[dict[str, Any]]] = {}
    done = 0
    for seed in range(seeds):
        for place, (name, drawing) in enumerate(drawings.items()):
            for way, course in WAYS.items():
                folder = runs() / "subject" / way / f"{name}-{seed}"
                if budget.over and not folder.with_suffix(".json").exists():
                    continue
                taught_as = replace(course, text=f"{course.text},thing={name}")
                measure_one = partial(
                    _one, one, name, drawing, class_of[name], taught_as, folder, len(drawings) * seed + place
                )
                for part, row in kept(folder.with_suffix(".json"), measure_one).items():
                    rows.setdefault(f"{way}: {part}", []).append(row)
                done += 1
    show(drawings)
    return {
        "claim": "likeness rises, words are obeyed, and the class stays with the prior term and is lost without it",
        "each run": "a subject and a seed of its own",
        "ways": {way: summary(members) for way, members in rows.items()},
        "runs": done,
        "of": seeds * len(WAYS) * len(drawings),
    }


def _one(
    one: Judge, name: str, drawing: Pixels, known: NDArray[np.float64], course: Course, folder: Path, seed: int,
) -> dict[str, Any]:  # fmt: skip
    pictures = {str(place): view for place, view in enumerate(concepts.views(drawing, 4))}
    files = concepts.written(pictures, runs() / "pictures" / name)
    parts = taught(folder, course, files, (), seed=seed)
    rows = {part: {**judged(one, name, drawing, known, path), **cost} for part, (path, cost) in parts.items()}
    if course.steps > 400:
        path, cost = parts[MEASURED]
        rows |= {f"weight {w:g}": {**judged(one, name, drawing, known, path, w), **cost} for w in WEIGHTS}
    for part, row in rows.items():
        print(course.text, seed, part, [row[key] for key in ("likeness", "kept", "processor")], flush=True)
    return rows


def judged(
    one: Judge, name: str, drawing: Pixels, known: NDArray[np.float64], path: Path, weight: float = 1
) -> dict[str, Any]:
    """Draw the subject, the subject in other colours, and its class; before and after."""
    model = load_model(str(path)) if path.is_dir() else "emoji"
    options: dict[str, Any] = {} if path.is_dir() else {"adapter": f"{path}:{weight:g}"}
    own = vectors(one, composite(drawing)[None])[0]
    subject = vectors(one, draw(model, [f"a zorp {name}"], n=DRAWN, **options).pixels)
    after = vectors(one, draw(model, [f"a {name}"], n=DRAWN, **options).pixels)
    before = vectors(one, draw("emoji", [f"a {name}"], n=DRAWN).pixels)
    middle = ((subject @ own).mean() + (before @ own).mean()) / 2

    def obeyed(thing: str, model: Any, **options: Any) -> float:
        shares = []
        for colour in COLOURS:
            pictures = draw(model, [f"a {colour} {thing}"], n=EACH, seed=3000, **options).pixels
            right = coloured(pictures, colour) & ((vectors(one, pictures) @ known.T).max(1) > 0.5)
            shares.append(float(right.mean()))
        return float(np.mean(shares))

    return {
        "likeness": float((subject @ own).mean()),
        "likeness before": float((before @ own).mean()),
        "colours obeyed": obeyed(f"zorp {name}", model, **options),
        "colours obeyed before": obeyed(name, "emoji"),
        "class shows the subject": float((after @ own > middle).mean()),
        "class near real ones": float((after @ known.T).max(1).mean()),
        "variety of the class, over before": _spread(after) / _spread(before),
    }


def _spread(rows: NDArray[np.float64]) -> float:
    """Return the mean distance (1 - cosine) of pairs."""
    close = rows @ rows.T
    return float(1 - (close.sum() - len(rows)) / (len(rows) * (len(rows) - 1)))


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means over runs, with intervals."""
    names = [name for name in rows[0] if name not in ("peak MiB", "steps")]
    of = {name: mean_share if name in SHARES else mean for name in names}
    return {name: of[name]([row[name] for row in rows]) for name in names} | {"n": len(rows)}


def show(drawings: Mapping[str, Pixels]) -> None:
    """Write a sheet: the subject, then what its word draws, then its class."""
    groups: dict[str, Any] = {}
    for name, drawing in drawings.items():
        path = runs() / "subject" / "rank 8" / f"{name}-0" / MEASURED / "learned.safetensors"
        if path.exists():
            prompts = [f"a zorp {name}", f"a red zorp {name}", f"a blue zorp {name}", f"a {name}"]
            made = [draw("emoji", [prompt], n=3, adapter=str(path)).pixels for prompt in prompts]
            groups[name] = np.concatenate([composite(drawing)[None], *made])
    if groups:
        sheets.rows("learning/subjects", groups, columns=13, label=120)
