"""Which way of drawing is cheaper? Masked, autoregressive and diffusion models of one size on shapes.

Every picture is read exactly. Parts: ``passes`` (quality against forward passes), ``steering`` (guidance, reranking,
schedule of the scale, order), ``drift`` (editing without a mask), ``cost`` (time, memory and operations a picture).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import limn.models
from benchmarks.record import wilson, write
from benchmarks.steering.common import draw, frechet, mean, model, paired
from limn.data.shapes import Asked, matches, prompts, read_all, render
from limn.edit.mask_free import MaskFree
from limn.kernel.generator import Generator, Picture, Progress
from limn.kernel.runner import Ledger
from limn.models.judges import Judge, judge
from limn.predictors.autoregressive import Autoregressive
from limn.train.feed import signed

SEEDS = (0, 1, 2)
MUSE, PARTI, DIFFUSION = "muse_shapes", "parti_shapes", "flow_shapes"
PLAIN = "classifier_free:scale={}"
Verdicts = list[dict[str, bool]]


@cache
def guide() -> Judge:
    """Load the dual encoder of the laboratory once, so that all distances are taken by the same weights."""
    return judge("shapes_guide")


def features(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(guide().images(pixels).double().numpy())


def read(pixels: NDArray[np.uint8], asked: Sequence[Asked]) -> Verdicts:
    """Return what is right in each picture, attribute by attribute."""
    return [matches(reading, want) for reading, want in zip(read_all(pixels), asked, strict=True)]


def whole(verdicts: Verdicts) -> NDArray[np.float64]:
    return np.array([each["all"] for each in verdicts], float)


def attributes(verdicts: Verdicts) -> NDArray[np.float64]:
    """Return each picture's share of attributes that are right; finer than all or nothing."""
    return np.array([np.mean([fits for name, fits in each.items() if name != "all"]) for each in verdicts])


def asked_for(count: int, seed: int) -> list[Asked]:
    """Return prompts of one and of two things."""
    return [*prompts("one", count // 2, seed), *prompts("two", count - count // 2, seed)]


def drawn(
    name: str, asked: Sequence[Asked], seed: int, guidance: Sequence[Any] | None = None, **options: Any
) -> Any:
    return draw(name, [each.text for each in asked], guidance, seed=1000 + 1000 * seed, **options)


def figures(verdicts: Verdicts, pixels: NDArray[np.uint8], real: NDArray[np.float64]) -> dict[str, Any]:
    right = whole(verdicts)
    return {
        "all right": wilson(int(right.sum()), len(right)),
        "attributes": mean(attributes(verdicts)),
        "frechet": round(frechet(features(pixels), real), 4),
    }


def passes(count: int) -> dict[str, Any]:
    """Quality against forward passes, by family."""
    asked = [asked_for(count, seed) for seed in SEEDS]
    real = features(np.concatenate([np.stack([render(each.scene) for each in some]) for some in asked]))
    found: dict[str, Any] = {"judge": guide().weights[:16], "through the tokens and back": ceiling(asked, real)}
    ways = [(MUSE, steps) for steps in (4, 8, 12, 16, 24, 64)]
    ways += [(PARTI, None)] + [(DIFFUSION, steps) for steps in (4, 8, 16, 24)]
    for name, steps in ways:
        verdicts, pixels = list[dict[str, bool]](), []
        for seed, some in zip(SEEDS, asked, strict=True):
            out = drawn(name, some, seed, steps=steps)
            verdicts += read(out.pixels, some)
            pixels.append(out.pixels)
        forwards = draw(name, ["a red circle"], None, steps=steps).forwards
        key = f"{name}, {forwards} passes"
        found[key] = {"passes": forwards, **figures(verdicts, np.concatenate(pixels), real)}
        print(key, json.dumps(found[key]), flush=True)
    return found


def ceiling(asked: Sequence[Sequence[Asked]], real: NDArray[np.float64]) -> dict[str, Any]:
    """Return what the tokenizer alone loses: real pictures, through tokens and back."""
    codec = model(MUSE).stages[0].codec
    pixels, verdicts = [], list[dict[str, bool]]()
    for some in asked:
        with torch.no_grad():
            back = codec.decode(codec.encode(signed(np.stack([render(each.scene) for each in some]))))
        pixels.append(levels(back))
        verdicts += read(pixels[-1], some)
    return figures(verdicts, np.concatenate(pixels), real)


def steering(count: int) -> dict[str, Any]:
    """Guidance and reranking, the schedule of the scale, and the order of the tokens; paired by prompt and seed."""
    ways: dict[str, tuple[str, dict[str, Any]]] = {
        "muse, no guidance": (MUSE, {"guidance": []}),
        "muse, scale 3": (MUSE, {"guidance": [PLAIN.format(3)]}),
        "muse, scale growing to 5": (MUSE, {"guidance": [PLAIN.format(5) + ",schedule=linear"]}),
        "muse, scale 3, random order": (MUSE, {"guidance": [PLAIN.format(3)], "sampler": "unmask:keep=random"}),
        "muse, scale 3, no order noise": (MUSE, {"guidance": [PLAIN.format(3)], "sampler": "unmask:order_noise=0"}),
    }
    scores: dict[str, NDArray[np.float64]] = {}
    for label, (name, options) in ways.items():
        parts = []
        for seed in SEEDS:
            some = asked_for(count, seed)
            parts.append(attributes(read(drawn(name, some, seed, **options).pixels, some)))
        scores[label] = np.concatenate(parts)
    found: dict[str, Any] = {label: mean(each) for label, each in scores.items()}
    base = scores["muse, scale 3"]
    found["guidance over none"] = paired(base, scores["muse, no guidance"])
    found["growing over constant"] = paired(scores["muse, scale growing to 5"], base)
    found["confident over random order"] = paired(base, scores["muse, scale 3, random order"])
    return {**found, **reranking(count)}


def reranking(count: int, tries: int = 8) -> dict[str, Any]:
    """Draw several pictures of a prompt, keep the one the guide finds nearest; with guidance and without."""
    found: dict[str, Any] = {}
    for family, scales in ((MUSE, (1, 3)),):
        kept: dict[str, NDArray[np.float64]] = {}
        for scale in scales:
            first, best = [], []
            for seed in SEEDS:
                some = asked_for(count // 2, seed)
                scored, near = [], []
                for k in range(tries):
                    pixels = drawn(family, some, seed + 10 * k, [PLAIN.format(scale)]).pixels
                    scored.append(attributes(read(pixels, some)))
                    texts = [each.text for each in some]
                    near.append((guide().images(pixels) * guide().texts(texts)).sum(1).numpy())
                pick = np.stack(near).argmax(0)
                first.append(scored[0])
                best.append(np.stack(scored)[pick, np.arange(len(some))])
            kept[f"scale {scale}, one"], kept[f"scale {scale}, best of {tries}"] = map(np.concatenate, (first, best))
        found |= {f"{family}, {label}": mean(each) for label, each in kept.items()}
        both, guided, ranked = (
            kept[each] for each in (f"scale 3, best of {tries}", "scale 3, one", f"scale 1, best of {tries}")
        )
        found[f"{family}, both over guidance alone"] = paired(both, guided)
        found[f"{family}, both over reranking alone"] = paired(both, ranked)
        found[f"{family}, reranking over one"] = paired(ranked, kept["scale 1, one"])
    return found


def drift(count: int) -> dict[str, Any]:
    """Edit without a mask, from a picture to the same scene in another colour; one walk, looked at on its way."""
    generator, stops = model(MUSE), (5, 10, 25, 50)
    codec = generator.stages[0].codec
    seen: dict[int, list[tuple[bool, bool, float]]] = {stop: [] for stop in stops}
    for seed in SEEDS:
        for place, one in enumerate(prompts("one", count, seed)):
            thing = one.scene.objects[0]
            colour = "red" if thing.colour != "red" else "blue"
            words = one.text.replace(thing.colour, colour, 1)
            edit = MaskFree.of(render(one.scene))
            start = edit.start(generator.stages[0], generator.size)
            request = generator.request(
                words, edit=edit, steps=max(stops), sampler="resample", guidance=[PLAIN.format(4)], seed=place
            )
            for event in generator.draw(request):
                if isinstance(event, Progress) and event.step in stops:
                    seen[event.step].append(_changed(codec, event.state.x, start, thing, colour, one))
    found = {}
    for stop, each in seen.items():
        new, kept, same = zip(*each, strict=True)
        found[f"{stop} steps"] = {
            "new colour": wilson(sum(new), len(new)),
            "shape, place and background kept": wilson(sum(kept), len(kept)),
            "share of tokens kept": round(float(np.mean(same)), 3),
        }
    return found


def _changed(codec: Any, x: Any, start: Any, thing: Any, colour: str, one: Asked) -> tuple[bool, bool, float]:
    """Say whether the new colour is there, whether the rest stayed, and which share of the tokens did."""
    with torch.no_grad():
        reading = read_all(levels(codec.decode(x)))[0]
    new = any(each.colour == colour for each in reading.objects)
    rest = [(each.shape, each.place) for each in reading.objects] == [(thing.shape, thing.place)]
    return new, rest and reading.background == one.scene.background, float((x == start).float().mean())


def levels(states: Any) -> NDArray[np.uint8]:
    """Turn pictures in [-1, 1] into bytes (pictures, height, width, 3)."""
    found: NDArray[np.uint8] = ((states.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return found


def cost(rounds: int) -> dict[str, Any]:
    """Seconds, operations and memory a picture, one way after another in each round."""
    words = prompts("two", 16, 0)
    slow = limn.models.load(PARTI)
    object.__setattr__(slow.stages[0].predictor, "cached", False)
    ways: dict[str, tuple[Generator, dict[str, Any]]] = {
        "masked, 8 steps": (model(MUSE), {"steps": 8}),
        "masked, 12 steps": (model(MUSE), {"steps": 12}),
        "autoregressive": (model(PARTI), {}),
        "autoregressive, no cache": (slow, {}),
        "diffusion, 8 steps": (model(DIFFUSION), {"steps": 8}),
        "diffusion, 16 steps": (model(DIFFUSION), {"steps": 16}),
    }
    assert isinstance(slow.stages[0].predictor, Autoregressive)
    taken: dict[str, list[float]] = {}
    found: dict[str, Any] = {}
    for batch in (1, 16):
        for turn in range(rounds + 1):
            for label, (generator, options) in ways.items():
                ledger, key = Ledger(), f"{label}, batch {batch}"
                request = generator.request([each.text for each in words[:batch]], **options)
                start = time.process_time()
                done = [
                    each for each in generator.draw(request, batch=batch, ledger=ledger) if isinstance(each, Picture)
                ]
                if turn:
                    taken.setdefault(key, []).append((time.process_time() - start) / len(done))
                found[key] = {
                    "forwards": len(ledger.forwards), "rows": ledger.rows,
                    "GFLOP a picture": round(ledger.flops / 1e9 / len(done), 3),
                }  # fmt: skip
    for key, seconds in taken.items():
        found[key]["CPU seconds a picture, median"] = round(float(np.median(seconds)), 4)
        found[key]["least and most"] = [round(min(seconds), 4), round(max(seconds), 4)]
    found["peak memory of the process, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return found


def described(name: str) -> dict[str, Any]:
    """Return size and training of a model, from its card."""
    model(name)  # trained first, if it does not ship
    shipped = name in limn.models.names()
    card = json.loads(
        ((limn.models.locate(name) if shipped else Path("runs/claims") / name / "model") / "card.json").read_text()
    )
    return {field: card[field] for field in ("parameters", "training")}


PARTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "passes": passes, "steering": steering, "drift": drift, "cost": cost,
}  # fmt: skip


def main() -> None:
    """Measure the parts named, or all, each into ``results/tokens_PART.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("parts", nargs="*", default=list(PARTS))
    arguments.add_argument("--prompts", type=int, default=60, help="prompts a seed; rounds of the cost")
    chosen = arguments.parse_args()
    for name in chosen.parts:
        print(f"--- {name}", flush=True)
        about = {
            key: described(key) for key in ((MUSE, PARTI, DIFFUSION) if name in ("passes", "cost") else (MUSE,))
        }
        command = f"python -m benchmarks.tokens {name} --prompts {chosen.prompts}"
        found = PARTS[name](chosen.prompts)
        print(write(f"tokens_{name}", {"command": command, "models": about, "seeds": list(SEEDS), **found}))


if __name__ == "__main__":
    main()
