"""Guides beside the words: dual encoders, targets in words and pictures, a picture to stay near.

Noise-aware guides are to help where a clean guide is shown pictures that are not there yet, at high noise; that is
where objects are placed. Each kind of guide has the strength that was best on the prompts of the other two seeds, so
neither is chosen by the pictures it is judged by.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.kit.drawing import draw
from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import close_to, vectors
from benchmarks.kit.sheets import rows
from benchmarks.steering.common import CFG, SEEDS, SHAPES, WEAK, drawn, each_seed, texts, there
from limn.data.shapes import prompts, render
from limn.guidance.image import strength_from
from limn.io.pictures import encode_png
from limn.kernel.prompt import Prompt
from limn.models.judges import judge

GUIDES = {"clean": "clip:guide=shapes_guide", "noise-aware": "clip:guide=shapes_guide_noisy,noisy=true"}
SILENT = "classifier_free:scale=0"
Shares = NDArray[np.float64]


def guided(clean: Sequence[float], noisy: Sequence[float], before: Sequence[str] = ()) -> dict[str, list[str]]:
    """Return the guidances of each kind and strength, beside those that are always there."""
    return {
        f"{kind} guide, {strength:g}": [*before, f"{guide},scale={strength}"]
        for (kind, guide), strengths in zip(GUIDES.items(), (clean, noisy), strict=True)
        for strength in strengths
    }


def clip(count: int) -> dict[str, Any]:
    """Beside the words: the share of right pictures of each way, and its score by the guide."""
    asked, guide = each_seed("two", count // 2), judge("shapes_guide")
    ways = {"unguided": [], "classifier-free 3": [CFG], **guided((0.3, 1.0, 3.0), (1.0, 3.0, 10.0))}
    pictures = drawn("clip", WEAK, texts(asked), ways)
    good = {name: there(one.pixels, asked) for name, one in pictures.items()}
    score = {name: close_to(guide, one.pixels, texts(asked)) for name, one in pictures.items()}
    clean, noisy = (chosen(good, kind) for kind in GUIDES)
    keen = max((name for name in ways if name.startswith("clean")), key=lambda name: score[name].mean())
    return {
        "claim": "the guide's own score rises; the exact reader prefers classifier-free; noise-aware beats clean",
        "prompts": len(asked),
        "ways": {
            name: {
                "objects there (exact reader)": mean(good[name]),
                "cosine by the clean guide": round(float(score[name].mean()), 4),
            }
            for name in ways
        },
        "guide's score, best clean less unguided": paired(score[keen], score["unguided"]),
        "guide's score, best clean less classifier-free": paired(score[keen], score["classifier-free 3"]),
        "objects there, classifier-free less clean": paired(good["classifier-free 3"], clean),
        "objects there, noise-aware less clean": paired(noisy, clean),
    }


def clip_alone(count: int) -> dict[str, Any]:
    """The model hears no words: how often the object is there that only the guide was told of."""
    asked = each_seed("one", count // 2)
    ways = {"unguided": [SILENT], **guided((1.0, 3.0, 10.0), (3.0, 10.0, 30.0), [SILENT])}
    pictures = drawn("clip-alone", WEAK, texts(asked), ways)
    good = {name: there(one.pixels, asked) for name, one in pictures.items()}
    clean, noisy = (chosen(good, kind) for kind in GUIDES)
    return {
        "claim": "where the guide alone says what is drawn, a noise-aware one draws it more often than a clean one",
        "prompts": len(asked),
        "object there": {name: mean(shares) for name, shares in good.items()},
        "clean, less unguided": paired(clean, good["unguided"]),
        "noise-aware, less clean": paired(noisy, clean),
    }


def chosen(good: Mapping[str, Shares], kind: str) -> Shares:
    """Return a kind's shares, for the prompts of each seed at the strength that was best for the other seeds."""
    ways = np.array([shares for name, shares in good.items() if name.startswith(kind)])
    parts = np.array_split(np.arange(ways.shape[1]), len(SEEDS))
    best = [ways[np.delete(ways, part, axis=1).mean(1).argmax(), part] for part in parts]
    return np.concatenate(best)


PROMPT, TEXT = "a smiling face", "a red heart"
TARGET = "a green apple"  # what the picture target shows: drawn by the model itself, with a seed of its own
FREE, GOALS = "classifier_free:scale=2", ("text", "picture")


def art(count: int) -> dict[str, Any]:
    """Pictures of the emoji model approach a text target, a picture target and both, by another judge."""
    one, target = judge("judge_b"), draw("emoji", [TARGET], guidance=[FREE], seed=77).pixels
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.png"
        Image.fromarray(target[0]).save(path)
        ways = {
            "none": [FREE],
            "text": [FREE, f"art:texts={TEXT}"],
            "picture": [FREE, f"art:pictures={path}"],
            "both": [FREE, f"art:texts={TEXT},pictures={path}"],
        }
        pictures = drawn("art", "emoji", [PROMPT] * count, ways, scale=1, target=target)
    goals = dict(zip(GOALS, (one.texts([TEXT])[0].double().numpy(), vectors(one, target)[0]), strict=True))
    near = {
        way: {goal: vectors(one, drawing.pixels) @ vector for goal, vector in goals.items()}
        for way, drawing in pictures.items()
    }
    gains = {
        f"{way}: nearer to the {goal} target": paired(near[way][goal], near["none"][goal])
        for way in ("text", "picture", "both")
        for goal in GOALS
    }
    return {
        "claim": "with both targets pictures come nearer to both than without, by the judge that did not guide",
        "pictures": count,
        "prompt": PROMPT,
        "text target": TEXT,
        "picture target": TARGET,
        "cosine": {way: {goal: mean(values) for goal, values in by.items()} for way, by in near.items()},
        "gains": gains,
        "holds": all(gains[f"both: nearer to the {goal} target"]["low"] > 0 for goal in GOALS),
    }


STEPS, STRENGTH, W = (5, 10, 20, 40), 1.0, 0.05


def image(count: int) -> dict[str, Any]:
    """One strength gives one nearness to the guide for any number of steps; the paper's w does not."""
    number = max(8, count // 4)
    asked = each_seed("one", number)
    guides = np.stack([render(want.scene) for seed in SEEDS for want in prompts("two", number, seed + 100)])
    guided = [
        Prompt(want.text, (encode_png(Image.fromarray(guide)),)) for want, guide in zip(asked, guides, strict=True)
    ]
    found: dict[str, dict[str, dict[str, float]]] = {}
    shown = {"guide": guides}
    for steps in STEPS:
        for name, strength in (("strength", STRENGTH), ("the paper's w", strength_from(W, steps)), ("none", 0.0)):
            way = [CFG, f"image:strength={strength}"] if strength else [CFG]
            pixels = shown[f"{name}, {steps} steps"] = draw(SHAPES, guided, guidance=way, steps=steps).pixels
            error = np.sqrt(((pixels - guides.astype(float)) ** 2).mean((1, 2, 3))) / 255
            found.setdefault(name, {})[str(steps)] = mean(error)
    rows("steering/image", shown)
    spread = {name: round(float(np.ptp([row["mean"] for row in by.values()])), 4) for name, by in found.items()}
    return {
        "claim": "the distance to the guide depends less on the steps by strength than by the paper's weight",
        "pictures": len(asked),
        "strength": STRENGTH,
        "paper's w": W,
        "RMS distance to the guide, 0 to 1, by steps": found,
        "spread over the steps (largest less smallest mean)": spread,
        "holds": spread["strength"] < spread["the paper's w"] / 2,
    }
