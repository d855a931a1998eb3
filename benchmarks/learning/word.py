"""A new word: is "a zorp" the concept, and does the word compose?"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kit import sheets
from benchmarks.kit.drawing import Pixels, draw, generator_of
from benchmarks.kit.intervals import mean, mean_share
from benchmarks.kit.results import kept
from benchmarks.kit.run import PICTOGRAMS
from benchmarks.learning import concepts
from benchmarks.learning.judging import Panel, coloured, things
from benchmarks.learning.teaching import MEASURED, Budget, Course, runs, taught
from limn.data.picture_set import load
from limn.data.split import SPLITS
from limn.models.judges import judge

WAYS: Mapping[str, Course] = {
    "one vector, begun as 'flag'": Course(text="textual_inversion:thing=flag", steps=400, at=(100, 200, 400)),
    "one picture kept out": Course(
        text="textual_inversion:thing=flag", steps=600, at=(100, 200, 400, 600), held=1, things=2
    ),
    "begun at random": Course(text="textual_inversion:start=random", steps=400, at=(400,)),
    "2 vectors": Course(text="textual_inversion:thing=flag,vectors=2", steps=400, at=(400,)),
    "4 vectors": Course(text="textual_inversion:thing=flag,vectors=4", steps=400, at=(400,)),
}
KNOWN = "things that it knows, by their names"
COLOURS, DRAWN, EACH = ("red", "blue", "green"), 12, 4


def measure(
    *, seeds: int = 1, flags: int = 8, minutes: float = 0, judged_by: str = "judge_b", data: Path = PICTOGRAMS,
) -> dict[str, Any]:  # fmt: skip
    """Return shares of pictures that are the concept, alone and composed, by way; runs that are there are kept."""
    pictures = concepts.flags(concepts.CACHE)
    names, budget = list(pictures)[:flags], Budget(minutes)
    source = load(data, SPLITS)
    panel = Panel(judge(judged_by), source, pictures)
    known = Panel(judge(judged_by), source, concepts.known(source, len(names)))
    rows: dict[str, list[dict[str, Any]]] = {}
    for name in known.concepts:
        path = runs() / "word" / KNOWN / f"{name}.json"
        rows.setdefault(KNOWN, []).append(kept(path, partial(judged, known, name, name)))
    for name in names:
        for way, words in {"the true words, not learned": name, "the word it begins as": "flag"}.items():
            path = runs() / "word" / way / f"{name}.json"
            rows.setdefault(way, []).append(kept(path, partial(judged, panel, name, words)))
    done = 0
    for seed in range(seeds):
        for place, name in enumerate(names):
            for way, course in WAYS.items():
                if place >= (course.things or len(names)):
                    continue
                folder = runs() / "word" / way / f"{name}-{seed}"
                if budget.over and not folder.with_suffix(".json").exists():
                    continue
                measure_one = partial(_one, panel, pictures[name], name, course, folder, len(names) * seed + place)
                for part, row in kept(folder.with_suffix(".json"), measure_one).items():
                    rows.setdefault(f"{way}: {part}", []).append(row)
                done += 1
    show(pictures, names)
    return {
        "claim": "a concept that no style showed is judged as such in 80 % of pictures, and composes in 50 %",
        "each run": "a concept and a seed of its own",
        "ways": {way: summary(members) for way, members in rows.items()},
        "real pictures, each against the others": mean_share([_real(panel, name) for name in names]),
        "runs": done,
        "of": seeds * sum(course.things or len(names) for course in WAYS.values()),
    }


def _real(panel: Panel, name: str) -> float:
    """Return the share of a concept's real pictures that are nearest to another real one of it."""
    own = panel.real[name]
    wrong = np.concatenate([panel.others, *(real for other, real in panel.real.items() if other != name)])
    close = own @ own.T
    np.fill_diagonal(close, -1)
    return float((close.max(1) > (own @ wrong.T).max(1)).mean())


def _one(
    panel: Panel, styles: Mapping[str, Pixels], name: str, course: Course, folder: Path, seed: int
) -> dict[str, Any]:
    captions = [concepts.CAPTIONS[style].format("zorp") for style in styles]
    files = concepts.written(styles, runs() / "pictures" / name)
    parts = taught(folder, course, files, captions, seed=seed)
    rows = {part: {**judged(panel, name, "zorp", adapter=str(path)), **cost} for part, (path, cost) in parts.items()}
    for part, row in rows.items():
        print(
            course.text,
            name,
            seed,
            part,
            [row[key] for key in ("concept", "composed", "kept", "processor")],
            flush=True,
        )
    return rows


def judged(panel: Panel, name: str, words: str, **options: Any) -> dict[str, Any]:
    """Draw a word alone and with others; returns shares that are right."""
    generator = generator_of("emoji")
    alone = draw(generator, [f"a {words}"], n=DRAWN, **options).pixels

    def drawn(prompt: str) -> Pixels:
        return draw(generator, [prompt], n=EACH, seed=3000, **options).pixels

    parts: dict[str, float] = {}
    for colour in COLOURS:
        pictures = drawn(f"a {colour} {words}")
        parts[colour] = float((panel.hits(pictures, name) & coloured(pictures, colour)).mean())
    for style, caption in concepts.CAPTIONS.items():
        pictures = drawn(caption.format(words))
        parts[style] = float((panel.hits(pictures, name) & panel.styled(pictures, name, style)).mean())
    pictures = drawn(f"two {words}")
    parts["two"] = float((panel.hits(pictures, name) & (things(pictures) > 1)).mean())
    groups = {"colours": list(COLOURS), "styles": list(concepts.CAPTIONS), "two": ["two"]}
    shares = {key: float(np.mean([parts[part] for part in members])) for key, members in groups.items()}
    return {
        "concept": float(panel.hits(alone, name).mean()),
        "likeness": float(panel.likeness(alone, name).mean()),
        **shares,
        "composed": float(np.mean(list(parts.values()))),
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means over runs, with intervals."""
    shares = {
        key: mean_share([row[key] for row in rows]) for key in ("concept", "composed", "colours", "styles", "two")
    }
    others = {key: mean([row[key] for row in rows]) for key in ("likeness", "kept", "processor") if key in rows[0]}
    return {**shares, **others, "n": len(rows)}


def show(flags: Mapping[str, Mapping[str, Pixels]], names: Sequence[str]) -> None:
    """Write a sheet: the pictures learned from, and what the first seed's word draws."""
    groups: dict[str, Any] = {}
    for name in names:
        path = runs() / "word" / next(iter(WAYS)) / f"{name}-0" / MEASURED / "learned.safetensors"
        if path.exists():
            options = {"adapter": str(path), "seed": 1000}
            prompts = ["a zorp", "a 3d render of a zorp", "a red zorp", "a blue zorp", "two zorp"]
            made = [draw("emoji", [prompt], n=2, **options).pixels for prompt in prompts]
            groups[name] = np.concatenate([np.stack(list(flags[name].values())), *made])
    if groups:
        sheets.rows("learning/words", groups, columns=14, label=120)
