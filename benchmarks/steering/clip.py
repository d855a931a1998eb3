"""A dual encoder as guide: it pleases itself, and an independent reader prefers classifier-free guidance.

Noise-aware guides are to help where a clean guide is shown pictures that are not there yet, at high noise; that is
where objects are placed. Each kind of guide has the strength that was best on the prompts of the other two seeds, so
neither is chosen by the pictures it is judged by.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.kit.intervals import mean, paired
from benchmarks.kit.judging import close_to
from benchmarks.steering.common import CFG, SEEDS, WEAK, drawn, each_seed, texts, there
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
