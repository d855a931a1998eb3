"""Editing without a mask: from a picture to the same scene in another colour, looked at on its way."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.kit.drawing import decoded
from benchmarks.kit.intervals import share
from limn.data.shapes import Asked, prompts, read_all, render
from limn.edit.mask_free import MaskFree
from limn.kernel.generator import Generator, Progress

STOPS = (5, 10, 25, 50)


def measure(model: Generator, seeds: Sequence[int], count: int) -> dict[str, Any]:
    codec = model.stages[0].codec
    seen: dict[int, list[tuple[bool, bool, float]]] = {stop: [] for stop in STOPS}
    for seed in seeds:
        for place, one in enumerate(prompts("one", count, seed)):
            thing = one.scene.objects[0]
            colour = "red" if thing.colour != "red" else "blue"
            edit = MaskFree.of(render(one.scene))
            start = edit.start(model.stages[0], model.size)
            request = model.request(
                one.text.replace(thing.colour, colour, 1), edit=edit, steps=max(STOPS), sampler="resample",
                guidance=["classifier_free:scale=4"], seed=place,
            )  # fmt: skip
            for event in model.draw(request):
                if isinstance(event, Progress) and event.step in STOPS:
                    seen[event.step].append(_changed(codec, event.state.x, start, thing, colour, one))
    result = {}
    for stop, looks in seen.items():
        new, kept, same = np.array(looks).T
        right = {"new colour": new, "shape, place and background kept": kept, "both": new * kept}
        result[f"{stop} steps"] = {
            **{name: share(int(hits.sum()), len(looks)) for name, hits in right.items()},
            "share of tokens kept": round(float(np.mean(same)), 3),
        }
    return result


def _changed(codec: Any, x: Any, start: Any, thing: Any, colour: str, one: Asked) -> tuple[bool, bool, float]:
    """Say whether the new colour is there, whether the rest stayed, and which share of the tokens did."""
    reading = read_all(decoded(codec, x))[0]
    new = any(each.colour == colour for each in reading.objects)
    rest = [(each.shape, each.place) for each in reading.objects] == [(thing.shape, thing.place)]
    return new, rest and reading.background == one.scene.background, float((x == start).float().mean())
