"""Seconds and memory to learn a word and a subject as a new user would, from five photographs of mixed sizes."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.kit.intervals import mean
from benchmarks.learning import concepts
from benchmarks.learning.teaching import runs

SIZES = ((640, 480), (480, 640), (1024, 768), (300, 300), (800, 450))
TURNED = 6  # of EXIF: a quarter to the right
COMMANDS = {
    "a word": ("textual_inversion", "--thing", "cat face"),
    "a subject": ("dreambooth", "--thing", "cat face"),
    "one picture": ("sine", "--thing", "cat face"),
}
_CHILD = """
import resource, sys
from limn.cli import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
sys.exit(code)
"""


def measure(*, seeds: int = 3, steps: int = 0) -> dict[str, Any]:
    """Return seconds and peak memory of whole commands on an idle machine."""
    files = photographs(concepts.subject("cat face", concepts.CACHE), runs() / "photographs")
    figures: dict[str, Any] = {}
    for what, words in COMMANDS.items():
        given = files[:1] if what == "one picture" else files
        given_steps = ("--steps", str(steps)) if steps else ()
        rows = [
            _timed([*words, *map(str, given), *given_steps], runs() / "cost" / f"{what}-{seed}", seed)
            for seed in range(seeds)
        ]
        figures[what] = {"seconds": mean([row[0] for row in rows]), "peak MiB": mean([row[1] for row in rows])}
    return {"photographs": ", ".join(f"{wide} x {high}" for wide, high in SIZES), **figures}


def photographs(drawing: Any, folder: Path) -> list[Path]:
    """Write JPEGs of a thing on an uneven ground, of mixed sizes, one of them turned as phones do."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths = np.random.default_rng(5), []
    for place, (wide, high) in enumerate(SIZES):
        ground = np.linspace(0, 40, wide)[None, :, None] + rng.normal(0, 6, (high, wide, 3)) + (190, 180, 170)
        picture = Image.fromarray(ground.clip(0, 255).astype(np.uint8))
        side = int(min(wide, high) * 0.75)
        thing = Image.fromarray(drawing).resize((side, side), Image.Resampling.LANCZOS)
        picture.paste(thing, ((wide - side) // 2, (high - side) // 2), thing)
        exif = Image.Exif()
        if place == 1:
            picture, exif[0x0112] = picture.transpose(Image.Transpose.ROTATE_90), TURNED
        picture.save(folder / f"photo-{place}.jpg", quality=88, exif=exif)
        paths.append(folder / f"photo-{place}.jpg")
    return paths


def _timed(words: list[str], folder: Path, seed: int) -> tuple[float, float]:
    shutil.rmtree(folder, ignore_errors=True)  # what was learned already would be done at once
    folder.mkdir(parents=True)
    out, store = folder / "learned.safetensors", folder / "store"
    command = [sys.executable, "-c", _CHILD, "learn", *words, "--out", str(out), "--store", str(store)]
    start = time.monotonic()
    done = subprocess.run([*command, "--seed", str(seed)], capture_output=True, text=True, check=True)
    return time.monotonic() - start, float(done.stdout.splitlines()[-1])
