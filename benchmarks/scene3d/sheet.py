"""Pictures for the pages: objects from eight sides, and turning, before and after they were adapted."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.kit import sheets
from benchmarks.kit.results import OUT, picture
from benchmarks.scene3d.common import MODEL, drawn, seen, triplane_of
from limn.models import load
from limn.scene3d.camera import Camera

PROMPTS = (
    "a red chair with four legs", "a green lamp with a pointed shade", "a yellow house with a red roof",
    "an orange animal with long ears and a tail", "a purple vase with handles", "a blue table with a round top",
)  # fmt: skip
FRAMES = 24


def measure(*, model: str = MODEL) -> None:
    """Write the sheets and turntables."""
    states, triplane = drawn(model, PROMPTS), triplane_of(model)
    views = [seen(triplane, states, camera)[0] for camera in Camera().around(8)]
    sheets.rows(
        "scene3d/views",
        {text: [view[row] for view in views] for row, text in enumerate(PROMPTS)},
        columns=8,
        label=260,
    )
    turning([triplane], states, "toys3d")
    folder = Path(os.environ.get(OUT, "runs")) / "scene3d" / "adapted" / "filtered-0"
    if folder.is_dir():
        turning([triplane, triplane_of(load(str(folder)))], states, "adapted")


def turning(decoders: Sequence[Any], states: Any, name: str) -> None:
    """Write an animated WebP of objects that turn, one row for each decoder."""
    frames = []
    for camera in replace(Camera(), elevation=15.0).around(FRAMES):
        rows = [np.concatenate(list(seen(decoder, states, camera)[0]), 1) for decoder in decoders]
        image = Image.fromarray(np.concatenate(rows))
        frames.append(image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST))
    sheets.small(
        frames[0], picture(f"pictures/scene3d/{name}.webp"), save_all=True, append_images=frames[1:],
        duration=2000 // FRAMES, loop=0,
    )  # fmt: skip
