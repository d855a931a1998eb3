"""Drawing for measurements: prompts in; pictures, forward passes and seconds out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import limn.models
from limn.kernel.generator import Generator, Picture
from limn.kernel.prompt import Prompt
from limn.kernel.runner import Ledger
from limn.train.export import export
from limn.train.loop import train
from limn.train.recipe import read

Pixels = NDArray[np.uint8]
SPREAD = 16


@dataclass(frozen=True)
class Drawn:
    """Pictures and what they cost.

    Args:
        pixels: (prompts x tries, height, width, 3).
        forwards: Forward passes.
        rows: Rows in them.
        passes: Forward passes of the last batch.
        seconds: Of the processor, for one picture.
    """

    pixels: Pixels
    forwards: int
    rows: int
    passes: int
    seconds: float


@cache
def generator_of(name: str) -> Generator:
    """Load a model once; a recipe whose model does not ship is trained first, into ``runs/claims``."""
    if name in limn.models.names() or Path(name).exists():
        return limn.models.load(name)
    folder = Path("runs/claims") / name
    if not (folder / "model" / "config.json").exists():
        for progress in train(read(Path(name)), folder):
            if progress.step % 50 == 0:
                print(f"training {name}: {progress.progress:.0%}, {progress.eta:.0f} s left", flush=True)
        export(folder, folder / "model", defaults={"steps": 10})
    return limn.models.load(str(folder / "model"))


def exported(name: str, **options: Any) -> Path:
    """Return ``runs/models/NAME``, exported from ``runs/train/NAME`` where that is newer."""
    folder, trained = Path("runs/models") / name, Path("runs/train") / name
    sums, checkpoint = folder / "SHA256SUMS", trained / "checkpoint.json"
    if not checkpoint.exists() and not sums.exists():
        raise SystemExit(f"{name}: no training in {trained}; run `limn train {name}` first")
    if checkpoint.exists() and (not sums.exists() or sums.stat().st_mtime < checkpoint.stat().st_mtime):
        export(trained, folder, **options)
    return folder


def draw(
    model: Generator | str,
    prompts: Sequence[str | Prompt],
    *,
    seed: int = 1000,
    n: int = 1,
    spread: int = SPREAD,
    **options: Any,
) -> Drawn:
    """Draw each prompt ``n`` times, from noise that is the same whatever the options.

    Args:
        model: The model, or its name for :func:`generator_of`.
        prompts: What to draw.
        seed: The first seed.
        n: Pictures of each prompt.
        spread: Of so many prompts in a row no two start from the same noise, which gives one layout.
        options: Of a request: ``steps``, ``sampler``, ``guidance``, ``style``.
    """
    generator = generator_of(model) if isinstance(model, str) else model
    start, pictures, ledgers = time.process_time(), dict[tuple[int, int], Pixels](), list[Ledger]()
    for first in range(min(spread, len(prompts))):
        places = range(first, len(prompts), spread)
        request = generator.request([prompts[k] for k in places], n=n, seed=seed + 100 * first, **options)
        ledgers.append(Ledger())
        for event in generator.draw(request, batch=max(64, n * len(places)), ledger=ledgers[-1]):
            if isinstance(event, Picture):
                pictures[places[event.item.index // n], event.item.index % n] = event.pixels
    forwards = [len(ledger.forwards) for ledger in ledgers]
    return Drawn(
        np.stack([pictures[key] for key in sorted(pictures)]), sum(forwards), sum(ledger.rows for ledger in ledgers),
        forwards[-1], (time.process_time() - start) / len(pictures),
    )  # fmt: skip


def decoded(codec: Any, state: Any) -> Pixels:
    """Return the pictures of a codec's states, (n, height, width, 3)."""
    import torch

    with torch.inference_mode():
        picture = codec.decode(state)
    pixels: Pixels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return pixels
